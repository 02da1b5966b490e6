// The conflicted state set, the auth difference and, in v2.1, the conflicted state subgraph.
//
// All of them lie in the auth chains of the conflicted state set. For an event that is in the chain
// of one state and not in that of another is reached from a value that only the first state has.

#include "refserver/protocol/state_resolution_conflict.h"

#include <algorithm>

namespace matrix::resolution {
namespace {

// The values of the conflicted keys: of each state, and of all of them.
struct ConflictedState {
    std::set<StateKey> keys;
    std::vector<std::vector<Index>> by_state;
    std::vector<Index> all;  ///< Each once.
};

ConflictedState find_conflicted_state(std::span<const State> states, AuthGraph& graph) {
    // Of each conflicted key, its value in each state.
    std::map<StateKey, std::vector<std::optional<EventId>>> values;
    for (std::size_t index = 1; index < states.size(); ++index) {
        for (StateDifference& difference : diff(states[0], states[index])) {
            auto& row = values[std::move(difference.key)];
            if (row.empty()) row.assign(states.size(), difference.before);
            row[index] = std::move(difference.after);
        }
    }

    ConflictedState conflicted;
    conflicted.by_state.resize(states.size());
    IndexSet seen;
    for (const auto& [key, row] : values) {
        conflicted.keys.insert(key);
        for (std::size_t index = 0; index < row.size(); ++index) {
            const std::optional<Index> event = row[index] ? graph.find(*row[index]) : std::nullopt;
            if (!event) continue;
            conflicted.by_state[index].push_back(*event);
            if (seen.insert(*event)) conflicted.all.push_back(*event);
        }
    }
    return conflicted;
}

// Takes from `candidates` what is in the auth chain of the unconflicted state.
void erase_unconflicted_ancestors(const State& state,
                                  const std::set<StateKey>& conflicted_keys,
                                  AuthGraph& graph,
                                  std::set<Index>& candidates) {
    IndexSet seen;
    std::vector<Index> pending;
    const auto walk = [&](Index start) {
        pending.push_back(start);
        while (!pending.empty() && !candidates.empty()) {
            const Index index = pending.back();
            pending.pop_back();
            for (const Index parent : graph.parents(index)) {
                if (!seen.insert(parent)) continue;
                candidates.erase(parent);
                pending.push_back(parent);
            }
        }
    };
    state.for_each([&](const StateKey& key, const EventId& id) {
        if (candidates.empty() || conflicted_keys.contains(key)) return;
        if (const std::optional<Index> event = graph.find(id)) walk(*event);
    });
}

// UNSPECIFIED: we read "auth chain" of an event as the text defines it, without the event itself;
// some servers count the events of a state as part of its full auth chain.
std::set<Index> find_auth_difference(std::span<const State> states,
                                     const ConflictedState& conflicted,
                                     AuthGraph& graph) {
    std::map<Index, std::size_t> counts;
    for (const std::vector<Index>& events : conflicted.by_state) {
        for (const Index ancestor : graph.list_ancestors(events))
            ++counts[ancestor];
    }
    std::set<Index> difference;
    for (const auto& [index, count] : counts) {
        if (count < states.size()) difference.insert(index);
    }
    if (!difference.empty()) {
        erase_unconflicted_ancestors(states[0], conflicted.keys, graph, difference);
    }
    return difference;
}

// Every event on a path of auth events from one conflicted event to another.
std::vector<Index> find_subgraph(const ConflictedState& conflicted, AuthGraph& graph) {
    const std::vector<Index> ancestors = graph.list_ancestors(conflicted.all);
    IndexSet is_ancestor;
    for (const Index index : ancestors)
        is_ancestor.insert(index);

    std::map<Index, std::vector<Index>> children;  // Among conflicted events and their ancestors.
    const auto add_children = [&](Index index) {
        for (const Index parent : graph.parents(index))
            children[parent].push_back(index);
    };
    for (const Index index : ancestors)
        add_children(index);
    for (const Index index : conflicted.all) {
        if (!is_ancestor.contains(index)) add_children(index);
    }

    // Upwards from the conflicted events: who reaches one of them, and is reached from one?
    IndexSet seen;
    std::vector<Index> subgraph;
    std::vector<Index> pending = conflicted.all;
    while (!pending.empty()) {
        const Index index = pending.back();
        pending.pop_back();
        const auto entry = children.find(index);
        if (entry == children.end()) continue;
        for (const Index child : entry->second) {
            if (!is_ancestor.contains(child) || !seen.insert(child)) continue;
            subgraph.push_back(child);
            pending.push_back(child);
        }
    }
    return subgraph;
}

}  // namespace

Conflict find_conflict(std::span<const State> states, AuthGraph& graph, const RoomRules& rules) {
    ConflictedState conflicted = find_conflicted_state(states, graph);
    std::set<Index> members = find_auth_difference(states, conflicted, graph);
    members.insert(conflicted.all.begin(), conflicted.all.end());
    if (rules.state_resolution == StateResolution::V2_1) {
        const std::vector<Index> subgraph = find_subgraph(conflicted, graph);
        members.insert(subgraph.begin(), subgraph.end());
    }
    // Only broken events cite one that is no state event; the algorithm sorts and applies state.
    std::erase_if(members, [&](Index index) { return !graph.event(index).is_state(); });

    Conflict conflict;
    conflict.keys = std::move(conflicted.keys);
    conflict.full_conflicted_set.assign(members.begin(), members.end());
    std::ranges::sort(conflict.full_conflicted_set, {}, [&](Index index) -> const EventId& {
        return graph.event(index).id;
    });
    return conflict;
}

}  // namespace matrix::resolution
