// More about which states of a room are resolved, and what a server may lack when it does so.
#pragma once

#include <set>
#include <vector>

#include "tests/generators/command.h"
#include "tests/generators/room.h"

namespace matrix::generators {

/// What `choose_states` chooses of a room whose servers always know the state: nothing is stale or
/// mixed.
std::vector<State> choose_honest_states(Choices& choices, const Room& room);

/// `state` with one entry replaced by an older event of the same key, as a server that is behind
/// has it; the same if `which` falls on an event whose key `state` does not have.
State with_stale_entry(const Room& room, const State& state, Selector& which);

/// A few events, never the create event, that a server does not have.
std::set<EventId> choose_missing(Choices& choices, const Room& room);
/// Finds every event of the room but those in `missing`; both must outlive it.
FindEvent finder_without(const Room& room, const std::set<EventId>& missing);

}  // namespace matrix::generators
