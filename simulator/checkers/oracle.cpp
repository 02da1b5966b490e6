// The checker "oracle": servers judge events and resolve states as the literal transcription of the
// specification does (conformance/oracle).
//
// Servers and fsck share one implementation of both, and so its errors; this is the other one. Each
// event is judged once for all servers by its auth events, once by each state before it that a
// server had, and each set of different states is resolved once.
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "conformance/oracle/state_resolution.h"
#include "refserver/protocol/room_rules.h"
#include "refserver/storage/audit.h"
#include "simulator/checkers/checkers.h"
#include "simulator/checkers/witness.h"
#include "simulator/planted/planted_bug.h"
#include "simulator/simulated_crypto.h"

namespace matrix::simulator {
namespace {

using engine::EventStatus;
using engine::RoomPtr;
using storage::Audit;

/// The oracle is slow: of more resolutions than this it makes those of the least roots, which are
/// hashes, so that it is chance that chooses, and the same chance in each run of the scenario.
constexpr std::size_t kOracleResolutionsMax = 40;
constexpr std::int64_t kOracleSliceRows = 500;

/// An event as one server has it.
struct Holding {
    int server = 0;
    EventStatus status = EventStatus::Accepted;
    bool is_rejected = false;
    std::int64_t position = 0;
    std::string state_before;  ///< Its root; empty: none.
    std::string state_after;
    std::string rule;
};

struct OracleEvent {
    EventPtr event;
    bool is_redacted = false;  ///< Somewhere; what it was judged by there may have been more.
    std::vector<Holding> holdings;
};

using Roots = std::vector<std::string>;

/// States that a server made one state of.
struct Merge {
    int server = 0;
    Roots roots;  ///< Distinct, sorted.
    std::string result;
    std::string what;  ///< For people.
    std::optional<EventId>
        event;  ///< Before which it is the state; nothing: it is the current one.
    bool is_certain = true;
};

oracle::StateMap state_map_of(const State& state) {
    oracle::StateMap map;
    state.for_each(
        [&](const StateKey& key, const EventId& id) { map[{key.type, key.state_key}] = id; });
    return map;
}

State state_of(const oracle::StateMap& map) {
    std::vector<std::pair<StateKey, EventId>> entries;
    for (const auto& [key, id] : map)
        entries.push_back({{key.first, key.second}, id});
    return State::make(entries);
}

std::string root_text_of(const State& state) {
    return std::string(view(state.root()));
}

// One room, with what all servers know of it.
class RoomTrial {
public:
    RoomTrial(World& world, const LivingRoom& room)
        : world_(world),
          cluster_(world.cluster()),
          room_(room),
          oracle_room_(*find_room_rules(room.version)) {
        options_.verifier =
            cluster_.options().crypto == Crypto::Real ? &ed25519_verifier() : &simulated_verifier();
        Saboteur* saboteur = cluster_.options().saboteur;
        if (saboteur != nullptr) options_.deviations = saboteur->deviations_of_oracle();
    }

    void run() {
        for (int server = 0; server < cluster_.server_count(); ++server)
            read_events(server);
        if (!has_one_verdict_each()) return world_.measure("oracle_rooms_contested", 1);
        for (const auto& [id, known] : events_)
            oracle_room_.add(
                known.event,
                is_rejected(known) ? oracle::Standing::Rejected : oracle::Standing::Accepted);
        for (const auto& [id, known] : events_)
            check_event(known);
        for (int server = 0; server < cluster_.server_count(); ++server)
            find_current_merge(server);
        check_merges();
    }

private:
    RoomPtr room_of(int server) { return find_room(world_, server, room_.id); }

    void read_events(int server) {
        engine::Server* engine = find_server(world_, server);
        if (engine == nullptr) return;
        Audit audit(engine->turns().database());
        const std::vector<Audit::Room> rooms = audit.list_rooms();
        const auto own = std::ranges::find(rooms, room_.id.text(), &Audit::Room::room_id);
        if (own == rooms.end()) return;
        std::int64_t last = 0;
        while (true) {
            const auto slice = audit.list_events(last, kOracleSliceRows);
            if (slice.empty()) return;
            for (const Audit::Event& row : slice) {
                if (row.room == own->number) add(server, row);
            }
            last = slice.back().number;
        }
    }

    void add(int server, const Audit::Event& row) {
        OracleEvent& known = events_[EventId(row.event_id)];
        if (!known.event) {
            auto parsed = parse_event(row.text, oracle_room_.rules());
            if (!parsed) return static_cast<void>(events_.erase(EventId(row.event_id)));
            known.event = std::make_shared<const Event>(*std::move(parsed));
        }
        known.is_redacted = known.is_redacted || row.redacted_by.has_value();
        const auto status = static_cast<EventStatus>(row.status);
        known.holdings.push_back({server,
                                  status,
                                  status == EventStatus::Rejected || row.is_rejected_outlier,
                                  row.position,
                                  row.state_before.value_or(""),
                                  row.state_after.value_or(""),
                                  row.rule});
    }

    // What servers disagree about is for other checkers; here it would be asked who is right.
    bool has_one_verdict_each() const {
        return std::ranges::all_of(events_, [](const auto& entry) {
            const auto& holdings = entry.second.holdings;
            return std::ranges::all_of(holdings, [&](const Holding& holding) {
                return holding.is_rejected == holdings.front().is_rejected;
            });
        });
    }

    static bool is_rejected(const OracleEvent& known) { return known.holdings.front().is_rejected; }

    void report(const std::string& what) {
        // What a Byzantine host said of a state is all that servers have of it.
        if (const auto doubt = world_.find_doubt_of(room_.id)) return world_.excuse(*doubt);
        world_.findings().add(
            "oracle", cluster_.time().now_us(), "room " + room_.id.text() + ": " + what);
    }

    // --- Verdicts
    // ----------------------------------------------------------------------------------

    void check_event(const OracleEvent& known) {
        find_merges(known);
        if (known.is_redacted || cites_redacted(*known.event)) {
            return world_.measure("oracle_verdicts_left_out", 1);
        }
        const oracle::ReadEvent& event = *oracle_room_.find(known.event->id);
        const oracle::Passed cited = check_cited(event);
        if (!cited) return compare(known, known.holdings.front(), cited.error().rule);
        const oracle::Verdict by_cited = judge(state_of_cited(event), event);
        if (!by_cited) return compare(known, known.holdings.front(), by_cited.error().rule);

        std::set<std::string> seen;
        for (const Holding& holding : known.holdings) {
            // An outlier was judged by what it cites alone.
            if (holding.status == EventStatus::Outlier) {
                if (seen.insert("").second) compare(known, holding, "");
                continue;
            }
            if (!seen.insert(holding.state_before).second) continue;
            const auto before = state_before(holding, known.event->id);
            if (!before) continue;
            const oracle::Verdict verdict = judge(selected_of(*before, event), event);
            compare(known, holding, verdict ? "" : verdict.error().rule);
        }
    }

    // `rule`: which refuses; empty: none does.
    void compare(const OracleEvent& known, const Holding& holding, const std::string& rule) {
        world_.measure("oracle_verdicts", 1);
        const std::string found = holding.is_rejected ? holding.rule : "";
        if (found == rule) return;
        // What it cites may have found its place since, and be rejected there, or no longer.
        constexpr std::string_view kCitesRejected = "v12 3.3";
        if (found == kCitesRejected || rule == kCitesRejected) return;
        // Of what a server could not have, or has in another room, another rule may come first.
        if (!found.empty() && !rule.empty() && !has_all_cited(*known.event)) return;
        const auto describe = [](const std::string& by) {
            return by.empty() ? std::string("accepts") : "refuses by " + by;
        };
        report(known.event->id.text() + " (" + known.event->type + " by " +
               known.event->sender.text() + "): server " + std::to_string(holding.server) + " " +
               describe(found) + " what the oracle " + describe(rule));
    }

    bool has_all_cited(const Event& event) const {
        return std::ranges::all_of(event.auth_events,
                                   [&](const EventId& id) { return events_.contains(id); });
    }

    bool cites_redacted(const Event& event) const {
        return std::ranges::any_of(event.auth_events, [&](const EventId& id) {
            const auto place = events_.find(id);
            return place != events_.end() && place->second.is_redacted;
        });
    }

    oracle::Passed check_cited(const oracle::ReadEvent& event) const {
        std::vector<const oracle::ReadEvent*> cited;
        for (const EventId& id : event.event->auth_events)
            cited.push_back(oracle_room_.find(id));
        return oracle::check_cited(event, cited, oracle_room_.create_of(event));
    }

    oracle::Verdict judge(const oracle::RuleState& state, const oracle::ReadEvent& event) const {
        return oracle::check_against(state, event, *options_.verifier, options_.deviations);
    }

    oracle::RuleState state_of_cited(const oracle::ReadEvent& event) const {
        oracle::RuleState state;
        for (const oracle::ReadEvent* entry : oracle_room_.auth_events(event))
            state.try_emplace(entry->key(), entry);
        if (const oracle::ReadEvent* create = oracle_room_.create_of(event))
            state.try_emplace(create->key(), create);
        return state;
    }

    oracle::RuleState selected_of(const State& before, const oracle::ReadEvent& event) const {
        std::set<oracle::Key> keys = oracle::select_auth_events(event);
        keys.insert({"m.room.create", ""});
        oracle::RuleState state;
        for (const oracle::Key& key : keys) {
            const EventId* id = before.find(key.first, key.second);
            const oracle::ReadEvent* entry = id == nullptr ? nullptr : oracle_room_.find(*id);
            if (entry != nullptr) state.emplace(key, entry);
        }
        // A peer may have told a state without it; where the room's id names it, it is there.
        const bool is_named = oracle_room_.rules().event_format == EventFormat::HashedRoomId;
        const oracle::ReadEvent* create = is_named ? oracle_room_.create_of(event) : nullptr;
        if (create != nullptr) state.try_emplace(create->key(), create);
        return state;
    }

    std::optional<State> state_before(const Holding& holding, const EventId& id) {
        const RoomPtr room = room_of(holding.server);
        return room ? room->state_before(id) : std::nullopt;
    }

    // --- Resolutions
    // -------------------------------------------------------------------------------

    const Holding* find_holding(const EventId& id, int server) const {
        const auto place = events_.find(id);
        if (place == events_.end()) return nullptr;
        const auto& holdings = place->second.holdings;
        const auto own = std::ranges::find(holdings, server, &Holding::server);
        return own == holdings.end() || own->state_after.empty() ? nullptr : &*own;
    }

    // Nothing if a state is not known, or all are the same.
    std::optional<Merge> find_merge(int server,
                                    const std::vector<EventId>& ids,
                                    std::int64_t before_position) {
        Merge merge{.server = server, .roots = {}, .result = {}, .what = {}, .event = {}};
        for (const EventId& id : ids) {
            const Holding* holding = find_holding(id, server);
            if (holding == nullptr) return std::nullopt;
            merge.roots.push_back(holding->state_after);
            states_of_.try_emplace(holding->state_after, server, id);
            // Its state may have become another one since; positions tell what came when.
            merge.is_certain =
                merge.is_certain && holding->position > 0 && holding->position < before_position;
        }
        std::ranges::sort(merge.roots);
        const auto same = std::ranges::unique(merge.roots);
        merge.roots.erase(same.begin(), same.end());
        if (merge.roots.size() < 2) return std::nullopt;
        return merge;
    }

    void find_merges(const OracleEvent& known) {
        if (known.event->prev_events.size() < 2) return;
        for (const Holding& holding : known.holdings) {
            if (holding.state_before.empty()) continue;
            auto merge = find_merge(holding.server,
                                    known.event->prev_events,
                                    std::max<std::int64_t>(holding.position, 1));
            if (!merge) continue;
            merge->result = holding.state_before;
            merge->what = "the state before " + known.event->id.text();
            merge->event = known.event->id;
            merges_.try_emplace({merge->roots, merge->result}, *std::move(merge));
        }
    }

    void find_current_merge(int server) {
        const RoomPtr room = room_of(server);
        // Who left keeps the state of that time.
        if (!room || !room->is_server_joined(cluster_.server(server).name())) return;
        auto merge = find_merge(server, room->extremities(), INT64_MAX);
        if (!merge) return;
        merge->result = root_text_of(room->current_state());
        merge->what = "the current state";
        merges_.try_emplace({merge->roots, merge->result}, *std::move(merge));
    }

    void check_merges() {
        std::size_t checked = 0;
        for (const auto& [key, merge] : merges_) {
            if (checked++ == kOracleResolutionsMax) {
                return world_.measure("oracle_resolutions_left_out",
                                      merges_.size() - kOracleResolutionsMax);
            }
            check_merge(merge);
        }
    }

    void check_merge(const Merge& merge) {
        std::vector<oracle::StateMap> states;
        for (const std::string& root : merge.roots) {
            const auto& [server, event] = states_of_.at(root);
            const RoomPtr room = room_of(server);
            const auto state = room ? room->state_after(event) : std::nullopt;
            if (!state) return;
            states.push_back(state_map_of(*state));
        }
        world_.measure("oracle_resolutions", 1);
        const oracle::Resolution resolved = oracle::resolve(oracle_room_, states, options_);
        const State expected = state_of(resolved.state);
        if (root_text_of(expected) == merge.result) return;
        if (!merge.is_certain) return world_.measure("oracle_resolutions_uncertain", 1);
        report("server " + std::to_string(merge.server) + " resolves " +
               std::to_string(merge.roots.size()) +
               " states otherwise than the oracle: " + merge.what + differences(merge, expected));
    }

    std::string differences(const Merge& merge, const State& expected) {
        const RoomPtr room = room_of(merge.server);
        const auto found =
            merge.event ? room->state_before(*merge.event) : std::optional(room->current_state());
        std::string text;
        if (!found) return text;
        for (const StateDifference& difference : diff(expected, *found))
            text += ", (" + difference.key.type + ", " + difference.key.state_key + ")";
        return text;
    }

    World& world_;
    Cluster& cluster_;
    const LivingRoom& room_;
    oracle::Room oracle_room_;
    oracle::Options options_;
    std::map<EventId, OracleEvent> events_;
    /// By the root of a state: after which event which server has it.
    std::map<std::string, std::pair<int, EventId>> states_of_;
    std::map<std::pair<Roots, std::string>, Merge> merges_;
};

class OracleCheck final : public Check {
public:
    void conclude(World& world) override {
        for (const LivingRoom& room : world.rooms())
            RoomTrial(world, room).run();
    }
};

}  // namespace

std::unique_ptr<Check> make_oracle_check() {
    return std::make_unique<OracleCheck>();
}

}  // namespace matrix::simulator
