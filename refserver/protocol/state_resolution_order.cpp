// Reverse topological power ordering and mainline ordering.

#include "refserver/protocol/state_resolution_order.h"

#include <algorithm>
#include <queue>
#include <tuple>

namespace matrix::resolution {
namespace {

// UNSPECIFIED: power levels and join rules count with any state key: the text names none.
bool is_power_event(const Event& event) {
    if (event.type == "m.room.power_levels" || event.type == "m.room.join_rules") return true;
    if (event.type != "m.room.member" || *event.state_key == event.sender.view()) return false;
    return event.membership() == Membership::Leave || event.membership() == Membership::Ban;
}

}  // namespace

std::vector<Index> select_power_events(std::span<const Index> full_conflicted_set,
                                       AuthGraph& graph) {
    std::vector<Index> power_events;
    IndexSet selected;
    for (const Index index : full_conflicted_set) {
        if (!is_power_event(graph.event(index))) continue;
        power_events.push_back(index);
        selected.insert(index);
    }
    for (const Index ancestor : graph.list_ancestors(power_events))
        selected.insert(ancestor);

    std::vector<Index> chosen;
    std::ranges::copy_if(full_conflicted_set, std::back_inserter(chosen), [&](Index index) {
        return selected.contains(index);
    });
    return chosen;
}

namespace {

// Smaller is earlier: more power, then less time, then the smaller id.
struct PowerKey {
    std::int64_t level;
    std::int64_t origin_server_ts;
    std::string_view id;
    std::size_t place;  ///< In the list of events that is sorted.

    friend bool operator>(const PowerKey& a, const PowerKey& b) {
        return std::tie(b.level, a.origin_server_ts, a.id) >
               std::tie(a.level, b.origin_server_ts, b.id);
    }
};

// UNSPECIFIED: without power levels among the auth events, the level is what it is in a room that
// has none: that of the creator, or the default.
std::int64_t sender_level(Index index, AuthGraph& graph) {
    auth::AuthState state;
    if (const auto create = graph.find_create(index)) {
        state.set(auth::Role::Create, &graph.event(*create));
    }
    if (const auto levels = graph.find_parent(index, "m.room.power_levels", "")) {
        state.set(auth::Role::PowerLevels, &graph.event(*levels));
    }
    return state.level_of(graph.event(index).sender);
}

}  // namespace

// Kahn's algorithm: of the events whose auth events are all placed, the smallest is next.
//
// UNSPECIFIED: the edges are the auth events within `events`; paths that leave this set and come
// back do not order. Events on a cycle, which only ids of room versions 1 and 2 can claim, are left
// out.
std::vector<Index> sort_by_power(std::span<const Index> events, AuthGraph& graph) {
    std::map<Index, std::size_t> places;
    for (std::size_t place = 0; place < events.size(); ++place)
        places[events[place]] = place;

    std::vector<std::vector<std::size_t>> children(events.size());
    std::vector<std::size_t> missing_count(events.size());
    for (std::size_t place = 0; place < events.size(); ++place) {
        for (const Index parent : graph.parents(events[place])) {
            const auto entry = places.find(parent);
            if (entry == places.end()) continue;
            children[entry->second].push_back(place);
            ++missing_count[place];
        }
    }

    std::priority_queue<PowerKey, std::vector<PowerKey>, std::greater<>> candidates;
    const auto add_candidate = [&](std::size_t place) {
        const Event& event = graph.event(events[place]);
        candidates.push({.level = sender_level(events[place], graph),
                         .origin_server_ts = event.origin_server_ts,
                         .id = event.id.view(),
                         .place = place});
    };
    for (std::size_t place = 0; place < events.size(); ++place) {
        if (missing_count[place] == 0) add_candidate(place);
    }
    std::vector<Index> sorted;
    sorted.reserve(events.size());
    while (!candidates.empty()) {
        const std::size_t place = candidates.top().place;
        candidates.pop();
        sorted.push_back(events[place]);
        for (const std::size_t child : children[place]) {
            if (--missing_count[child] == 0) add_candidate(child);
        }
    }
    return sorted;
}

Mainline::Mainline(std::optional<Index> newest, AuthGraph& graph) : graph_(graph) {
    for (std::optional<Index> next = newest; next && !positions_.contains(*next);
         next = graph.find_parent(*next, "m.room.power_levels", "")) {
        positions_[*next] = static_cast<std::uint32_t>(events_.size());
        events_.push_back(*next);
    }
}

std::uint32_t Mainline::position(Index event) {
    std::vector<Index> walked;
    std::uint32_t position = kNowhere;
    std::optional<Index> next = graph_.find_parent(event, "m.room.power_levels", "");
    while (next) {
        // What is being walked counts as nowhere, so that a claimed cycle ends the walk.
        const auto [entry, is_new] = positions_.try_emplace(*next, kNowhere);
        if (!is_new) {
            position = entry->second;
            break;
        }
        walked.push_back(*next);
        next = graph_.find_parent(*next, "m.room.power_levels", "");
    }
    for (const Index levels : walked)
        positions_[levels] = position;
    return position;
}

namespace {

struct MainlineKey {
    std::uint32_t position;  ///< Greater is earlier.
    std::int64_t origin_server_ts;
    std::string_view id;
    Index event;
};

std::vector<Index> sort_by_key(std::vector<MainlineKey> keys) {
    std::ranges::sort(keys, [](const MainlineKey& a, const MainlineKey& b) {
        return std::tie(b.position, a.origin_server_ts, a.id) <
               std::tie(a.position, b.origin_server_ts, b.id);
    });
    std::vector<Index> sorted;
    for (const MainlineKey& key : keys)
        sorted.push_back(key.event);
    return sorted;
}

}  // namespace

std::vector<Index> sort_by_mainline(std::span<const Index> events,
                                    Mainline& mainline,
                                    const AuthGraph& graph) {
    std::vector<MainlineKey> keys;
    for (const Index index : events) {
        const Event& event = graph.event(index);
        keys.push_back({mainline.position(index), event.origin_server_ts, event.id.view(), index});
    }
    return sort_by_key(std::move(keys));
}

std::vector<Index> sort_by_time(std::span<const Index> events, const AuthGraph& graph) {
    std::vector<MainlineKey> keys;
    for (const Index index : events) {
        const Event& event = graph.event(index);
        keys.push_back({0, event.origin_server_ts, event.id.view(), index});
    }
    return sort_by_key(std::move(keys));
}

}  // namespace matrix::resolution
