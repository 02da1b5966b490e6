// Watch: who is told what a server writes of its rooms, as it writes it.
#pragma once

#include <functional>
#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/protocol/state.h"
#include "refserver/storage/events.h"

namespace matrix::storage {

/// Each is called within the turn in which it happens, before the commit, which may fail. None may
/// read anything of the server, or change it: a run that is watched is the same run.
struct Watch {
    /// An event is stored, or what is known about it changes.
    std::function<void(const StoredEvent&)> event;
    /// A node of a state is stored, perhaps not for the first time.
    std::function<void(const State::StoredNode&)> state_node;
    /// An event found its place in a room: what is true there now.
    std::function<void(
        const RoomId&, const std::vector<EventId>& extremities, const State::Hash& current_state)>
        room;
};

}  // namespace matrix::storage
