// What several states disagree about: the conflicted keys and the full conflicted set.
//
// Private to state_resolution*.cpp.
#pragma once

#include <map>
#include <set>

#include "refserver/protocol/state_resolution_graph.h"

namespace matrix::resolution {

struct Conflict {
    /// Keys whose value is not the same in all states. All others are unconflicted.
    std::set<StateKey> keys;
    /// The full conflicted set, in the order of event ids.
    std::vector<Index> full_conflicted_set;
};

/// `states` are at least two, and no two are equal.
///
/// Costs what differs between the states and the auth chains of that; only if an event is in some
/// of these chains and not in others, the chains of the unconflicted state are walked too, until it
/// is known to be in them.
Conflict find_conflict(std::span<const State> states, AuthGraph& graph, const RoomRules& rules);

}  // namespace matrix::resolution
