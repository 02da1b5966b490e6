// What somebody who is not in a room is shown of it: who is invited, or knocks, or looks at a list.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#stripped-state
#pragma once

#include <vector>

#include "refserver/engine/rooms/room.h"

namespace matrix::engine {

/// The events of `state` that say what the room is: its creation, join rules, name and the like.
std::vector<EventPtr> list_preview_events(const Room& room, const State& state);

/// The same of the current state as whole events, with the membership of `inviter` where somebody
/// invites: `invite_room_state` and `knock_room_state` of the server-server API.
json::Array make_preview_state(const Room& room, const std::optional<UserId>& inviter);

/// The event's type, state key, sender and content.
json::Object stripped_form(const Event& event);

}  // namespace matrix::engine
