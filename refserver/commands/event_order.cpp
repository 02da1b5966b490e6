#include "refserver/commands/event_order.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "refserver/commands/event_auth.h"

namespace matrix::commands {
namespace {

constexpr const char* kByQuirk = "a quirk or a changed step put it here, not the order of the text";

// The first of an event's auth events with this key; null if there is none.
EventPtr find_cited(const Event& event, std::string_view type, const EventMap& events) {
    for (const EventId& id : event.auth_events) {
        EventPtr cited = events.find(id).event;
        if (cited && cited->is(type, "")) return cited;
    }
    return nullptr;
}

// What one event is compared by: smaller is earlier.
struct SortKey {
    std::int64_t rank = 0;  ///< Greater is earlier: a level, or a position on the mainline.
    std::int64_t origin_server_ts = 0;
    EventId id;

    friend bool operator<(const SortKey& a, const SortKey& b) {
        return std::tie(b.rank, a.origin_server_ts, a.id) <
               std::tie(a.rank, b.origin_server_ts, b.id);
    }
};

struct RankWords {
    std::string (*tell)(std::int64_t rank);
    std::string_view greater;  ///< "higher level".
};

std::string compare(const SortKey& first, const SortKey& second, const RankWords& words) {
    const std::string before = "before " + second.id.text() + ": ";
    if (second < first) return kByQuirk;
    if (first.rank != second.rank) {
        return before + std::string(words.greater) + ", " + words.tell(first.rank) + " to " +
               words.tell(second.rank);
    }
    if (first.origin_server_ts != second.origin_server_ts) {
        return before + "earlier, " + std::to_string(first.origin_server_ts) + " to " +
               std::to_string(second.origin_server_ts);
    }
    return before + "smaller id";
}

// --- Reverse topological power ordering ----------------------------------------------------------

std::string tell_level(std::int64_t level) {
    return level == auth::kCreatorLevel ? "creator" : std::to_string(level);
}

SortKey power_key(const EventPtr& event, const EventMap& events) {
    EventPtr create = find_create(*event, events);
    if (!create) create = find_cited(*event, "m.room.create", events);
    const EventPtr levels = find_cited(*event, "m.room.power_levels", events);
    auth::AuthState state;
    state.set(auth::Role::Create, create.get());
    state.set(auth::Role::PowerLevels, levels.get());
    return {state.level_of(event->sender), event->origin_server_ts, event->id};
}

bool are_all_in(const std::set<EventId>& ids, const std::set<EventId>& others) {
    return std::ranges::includes(others, ids);
}

}  // namespace

std::vector<Placement> explain_power_order(std::span<const EventPtr> order,
                                           const EventMap& events) {
    std::vector<SortKey> keys;
    std::vector<std::set<EventId>> parents(order.size());
    std::set<EventId> members;
    for (const EventPtr& event : order) {
        keys.push_back(power_key(event, events));
        members.insert(event->id);
    }
    for (std::size_t index = 0; index < order.size(); ++index) {
        for (const EventId& id : order[index]->auth_events) {
            if (members.contains(id)) parents[index].insert(id);
        }
    }
    std::vector<Placement> placements;
    std::set<EventId> placed;
    for (std::size_t index = 0; index < order.size(); ++index) {
        // The best of the others that could have been next.
        std::optional<std::size_t> rival;
        for (std::size_t other = index + 1; other < order.size(); ++other) {
            if (!are_all_in(parents[other], placed)) continue;
            if (!rival || keys[other] < keys[*rival]) rival = other;
        }
        Placement& placement = placements.emplace_back();
        placement.sort_key = "level " + tell_level(keys[index].rank) + ", time " +
                             std::to_string(keys[index].origin_server_ts);
        if (!are_all_in(parents[index], placed)) {
            placement.because = kByQuirk;
        } else if (!rival) {
            placement.because = "no other has all of its auth events placed";
        } else {
            placement.because = compare(keys[index], keys[*rival], {tell_level, "higher level"});
        }
        placed.insert(order[index]->id);
    }
    return placements;
}

namespace {

// --- Mainline ordering ---------------------------------------------------------------------------

constexpr std::int64_t kNowhere = INT64_MAX;

std::string tell_position(std::int64_t position) {
    return position == kNowhere ? "none" : std::to_string(position);
}

// Where the walk over power levels from `event` meets the mainline.
std::int64_t find_position(const EventPtr& event,
                           const std::map<EventId, std::int64_t>& mainline,
                           const EventMap& events) {
    std::set<EventId> walked;
    EventPtr levels = find_cited(*event, "m.room.power_levels", events);
    while (levels && walked.insert(levels->id).second) {
        const auto entry = mainline.find(levels->id);
        if (entry != mainline.end()) return entry->second;
        levels = find_cited(*levels, "m.room.power_levels", events);
    }
    return kNowhere;
}

}  // namespace

std::vector<Placement> explain_mainline_order(std::span<const EventPtr> order,
                                              std::span<const EventId> mainline,
                                              const EventMap& events) {
    std::map<EventId, std::int64_t> positions;
    for (const EventId& id : mainline)
        positions.emplace(id, static_cast<std::int64_t>(positions.size()));
    std::vector<SortKey> keys;
    for (const EventPtr& event : order) {
        keys.push_back(
            {find_position(event, positions, events), event->origin_server_ts, event->id});
    }
    std::vector<Placement> placements;
    for (std::size_t index = 0; index < order.size(); ++index) {
        Placement& placement = placements.emplace_back();
        placement.sort_key = "mainline position " + tell_position(keys[index].rank) + ", time " +
                             std::to_string(keys[index].origin_server_ts);
        placement.because = index + 1 == order.size()
                                ? "the last"
                                : compare(keys[index],
                                          keys[index + 1],
                                          {tell_position, "older power levels, position"});
    }
    return placements;
}

}  // namespace matrix::commands
