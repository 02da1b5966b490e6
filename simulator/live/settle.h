// Healing: faults end, every side says something, and all wait until the target has what ours have
// and ours have what the target has, in one common end of each room.
#pragma once

#include <map>

#include "simulator/live/arena.h"

namespace matrix::live {

/// For each room the event that is its only end everywhere; a room that does not come to that in
/// time is missing, and the report says what was waited for.
std::map<RoomId, EventId> settle(Arena& arena);

}  // namespace matrix::live
