// Making events: from what a user wants to say to a signed event at its place in the graph.
#pragma once

#include <vector>

#include "refserver/engine/error.h"
#include "refserver/engine/rooms/room.h"
#include "refserver/protocol/state_resolution.h"
#include "refserver/runtime/clock.h"
#include "refserver/runtime/random.h"

namespace matrix::engine {

/// Where an event is to stand.
struct EventPlace {
    RoomId room_id;  ///< Empty for a create event of room version 12.
    const RoomRules& rules;
    std::vector<EventPtr> prev_events;
    const State& before;  ///< The state after them.
    FindEvent find_event;
};

/// With the auth events that the rules select from the state before it. 403 when the content is
/// too malformed to tell which they are.
Result<EventTemplate> make_event_template(const NewEvent& event,
                                          const EventPlace& place,
                                          runtime::Timestamp now);

/// Hashes, signs and reads the event: 413 if it is too large, 400 if it has not the format of the
/// room version.
Result<Event> sign_template(EventTemplate event,
                            const RoomRules& rules,
                            const RoomServices& services);

}  // namespace matrix::engine
