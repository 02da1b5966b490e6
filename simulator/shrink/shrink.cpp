#include "simulator/shrink/shrink.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "refserver/base/index_map.h"
#include "simulator/scenario/scenario_file.h"
#include "simulator/shrink/removal.h"
#include "simulator/shrink/simplification.h"

namespace matrix::simulator {
namespace {

constexpr int kRoundsMax = 20;

/// Something of which a scenario has many.
struct List {
    std::string_view name;
    std::size_t (*size)(const Scenario& scenario);
    std::optional<Scenario> (*without)(const Scenario& scenario, Places places);
};

std::size_t count_levels(const Scenario& scenario) {
    std::size_t count = 0;
    for (const RoomPlan& room : scenario.rooms)
        count += room.levels.size();
    return count;
}

std::optional<Scenario> without_levels(const Scenario& scenario, Places places) {
    Scenario result = scenario;
    std::size_t place = 0;
    for (RoomPlan& room : result.rooms)
        std::erase_if(room.levels, [&](const auto&) { return places.contains(place++); });
    return result;
}

// Everybody who joins a room, room by room.
std::vector<std::string> members_of(const Scenario& scenario, const RoomPlan& room) {
    if (room.members) return *room.members;
    std::vector<std::string> all;
    for (int server = 0; server < scenario.servers; ++server) {
        for (int user = 0; user < scenario.users_per_server; ++user)
            all.push_back(name_of_user(server, user));
    }
    return all;
}

std::size_t count_members(const Scenario& scenario) {
    std::size_t count = 0;
    for (const RoomPlan& room : scenario.rooms)
        count += members_of(scenario, room).size();
    return count;
}

std::optional<Scenario> without_members(const Scenario& scenario, Places places) {
    Scenario result = scenario;
    std::size_t place = 0;
    for (RoomPlan& room : result.rooms) {
        std::vector<std::string> members = members_of(scenario, room);
        std::erase_if(members, [&](const std::string&) { return places.contains(place++); });
        room.members = std::move(members);
    }
    return result;
}

std::optional<Scenario> without_streams(const Scenario& scenario, Places places) {
    Scenario result = scenario;
    std::size_t place = 0;
    std::erase_if(result.choices, [&](const auto&) { return places.contains(place++); });
    return result;
}

// Decisions that are not the simplest ones.
std::size_t count_decisions(const Scenario& scenario) {
    std::size_t count = 0;
    for (const auto& [stream, numbers] : scenario.choices)
        count += static_cast<std::size_t>(
            std::ranges::count_if(numbers, [](std::uint64_t number) { return number != 0; }));
    return count;
}

// A stream whose record has ended decides 0.
void drop_zeros_at_ends(ChoiceRecord& record) {
    for (auto& [stream, numbers] : record) {
        while (!numbers.empty() && numbers.back() == 0)
            numbers.pop_back();
    }
    std::erase_if(record, [](const auto& stream) { return stream.second.empty(); });
}

template <class Change>
Scenario with_decisions(const Scenario& scenario, Places places, Change change) {
    Scenario result = scenario;
    std::size_t place = 0;
    for (auto& [stream, numbers] : result.choices) {
        for (std::uint64_t& number : numbers) {
            if (number != 0 && places.contains(place++)) number = change(number);
        }
    }
    drop_zeros_at_ends(result.choices);
    return result;
}

std::optional<Scenario> without_decisions(const Scenario& scenario, Places places) {
    return with_decisions(scenario, places, [](std::uint64_t) -> std::uint64_t { return 0; });
}

constexpr List kRooms{"rooms", [](const Scenario& s) { return s.rooms.size(); }, without_rooms};
constexpr List kServers{"servers",
                        [](const Scenario& s) { return static_cast<std::size_t>(s.servers); },
                        without_servers};
constexpr List kHosts{"Byzantine hosts",
                      [](const Scenario& s) { return static_cast<std::size_t>(s.byzantine_hosts); },
                      without_byzantine_hosts};
constexpr List kSteps{"steps", [](const Scenario& s) { return s.timeline.size(); }, without_steps};
constexpr List kMembers{"members", count_members, without_members};
constexpr List kLevels{"power levels", count_levels, without_levels};
constexpr List kStreams{
    "streams", [](const Scenario& s) { return s.choices.size(); }, without_streams};
constexpr List kDecisions{"decisions", count_decisions, without_decisions};

class Shrinker {
public:
    Shrinker(const Scenario& failing, Judge& judge) : current_(failing), judge_(judge) {
        // A run that fails needs not to have done anything else.
        current_.at_least.clear();
    }

    Scenario run() {
        for (int round = 0; round < kRoundsMax && !judge_.is_over(); ++round) {
            has_progress_ = false;
            drop_chance();
            shorten();
            reduce(kRooms);
            keep_few_servers();
            reduce(kServers);
            keep_few_users();
            reduce(kHosts);
            reduce(kSteps);
            reduce(kMembers);
            reduce(kLevels);
            simplify();
            if (!has_progress_) break;
        }
        if (current_.seed && !judge_.is_over()) record_chance();
        return current_;
    }

private:
    /// Offers candidates that were not tried before; the first that fails takes the scenario's
    /// place. Gives its place among those that `make` gave.
    std::optional<std::size_t> try_first(
        std::string_view how,
        std::size_t count,
        const std::function<std::optional<Scenario>(std::size_t)>& make) {
        std::vector<std::pair<std::size_t, std::uint64_t>> offered;  // Place and hash.
        std::set<std::uint64_t> known = tried_;
        std::size_t next = 0;
        auto accepted = judge_.find_first_failing([&]() -> std::optional<Scenario> {
            while (next < count) {
                auto candidate = make(next++);
                if (!candidate || find_fault_of(*candidate)) continue;
                // The hash of a text stands for it: one in 2^64 candidates is not tried.
                const std::uint64_t hash = stable_hash(write_scenario(*candidate));
                if (!known.insert(hash).second) continue;
                offered.emplace_back(next - 1, hash);
                return candidate;
            }
            return std::nullopt;
        });
        // What was offered behind the accepted one may not have been tried.
        const std::size_t tried = accepted ? accepted->place + 1 : offered.size();
        for (std::size_t place = 0; place < tried; ++place)
            tried_.insert(offered[place].second);
        if (!accepted) return std::nullopt;
        current_ = std::move(accepted->scenario);
        has_progress_ = true;
        judge_.report(current_, how);
        return offered[accepted->place].first;
    }

    // Delta debugging over a list, from its end: halves, then quarters, down to single elements.
    void reduce(const List& list) {
        for (std::size_t chunk = list.size(current_); chunk > 0; chunk /= 2) {
            std::size_t end = list.size(current_);
            while (end > 0 && !judge_.is_over()) {
                const std::size_t chunks = (end + chunk - 1) / chunk;
                const auto places_of = [&](std::size_t index) {
                    const std::size_t last = end - index * chunk;
                    return Places{last > chunk ? last - chunk : 0, std::min(last, chunk)};
                };
                const auto removed = try_first(list.name, chunks, [&](std::size_t index) {
                    return list.without(current_, places_of(index));
                });
                if (!removed) break;
                end = std::min(places_of(*removed).first, list.size(current_));
            }
        }
    }

    // The shortest first: short runs are soon over.
    void shorten() {
        constexpr std::int64_t kParts = 16;
        const std::int64_t whole_ms = current_.chaos_ms;
        try_first("time", kParts - 1, [&](std::size_t index) {
            return with_shorter_chaos(current_,
                                      whole_ms * (static_cast<std::int64_t>(index) + 1) / kParts);
        });
    }

    void keep_few_servers() {
        const auto all = static_cast<std::size_t>(current_.servers);
        try_first("servers", all - 1, [&](std::size_t index) {
            return without_servers(current_, {index + 1, all - index - 1});
        });
    }

    void keep_few_users() {
        try_first("users", static_cast<std::size_t>(current_.users_per_server), [&](std::size_t n) {
            return with_fewer_users(current_, static_cast<int>(n) + 1);
        });
    }

    void simplify() {
        const std::vector<Simplification> changes = simplifications_of(current_);
        std::size_t next = 0;
        while (next < changes.size() && !judge_.is_over()) {
            const auto done = try_first("values", changes.size() - next, [&](std::size_t index) {
                std::optional<Scenario> changed(current_);
                changes[next + index](*changed);
                if (*changed == current_) changed.reset();
                return changed;
            });
            if (!done) return;
            next += *done + 1;
        }
    }

    void drop_chance() {
        if (!current_.seed) return;
        try_first("chance", 1, [&](std::size_t) {
            std::optional<Scenario> calm(current_);
            calm->seed.reset();
            return calm;
        });
    }

    // What chance decided, as a record, and then less and less of it.
    void record_chance() {
        auto record = judge_.record(current_);
        if (!record) return;
        const auto recorded = try_first("chance, recorded", 1, [&](std::size_t) {
            std::optional<Scenario> fixed(current_);
            fixed->seed.reset();
            fixed->choices = std::move(*record);
            return fixed;
        });
        if (!recorded) return;
        reduce(kStreams);
        reduce(kDecisions);
        lower_decisions();
    }

    void lower_decisions() {
        bool is_lower = true;
        while (is_lower && !judge_.is_over()) {
            is_lower =
                try_first("decisions", count_decisions(current_), [&](std::size_t place) {
                    return std::optional(with_decisions(
                        current_, {place, 1}, [](std::uint64_t number) { return number / 2; }));
                }).has_value();
        }
    }

    Scenario current_;
    Judge& judge_;
    std::set<std::uint64_t> tried_;
    bool has_progress_ = false;
};

}  // namespace

Scenario shrink(const Scenario& failing, Judge& judge) {
    return Shrinker(failing, judge).run();
}

}  // namespace matrix::simulator
