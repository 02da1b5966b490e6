// What a room is, as directories and hierarchies tell those who are not in it.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#published-room-directory
#pragma once

#include <string>
#include <vector>

#include "refserver/engine/rooms/room.h"

namespace matrix::engine {

/// An entry of a directory: `PublishedRoomsChunk`. A member of the wrong type in the room's state
/// is left out.
json::Object describe_room(const Room& room);
/// The same with what a hierarchy tells besides: `RoomSummary`.
json::Object describe_room_of_hierarchy(const Room& room);

/// The room's `type`, as a space has one; empty if it has none.
std::string room_type(const Room& room);
/// May all the world read the room's history, from now on?
bool is_world_readable(const Room& room);
/// Do the room's rules let members of other rooms in?
bool is_restricted(const Room& room);
/// The rooms whose members may join a restricted room; what is malformed is no condition.
std::vector<RoomId> list_allowed_rooms(const Room& room);

}  // namespace matrix::engine
