// A room's members in a few words: how many there are, and by whom an unnamed room is called.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync
#pragma once

#include <cstdint>
#include <vector>

#include "refserver/engine/rooms/room.h"

namespace matrix::engine {

struct RoomSummary {
    bool is_named = false;       ///< Then nobody needs heroes to tell the room from others.
    std::vector<UserId> heroes;  ///< At most five.
    std::int64_t joined = 0;
    std::int64_t invited = 0;
};

/// Has it a name or an alias by which it is called?
bool is_named(const Room& room, const State& state);
/// As `reader`, who is no hero, sees it. Reads every membership of a room without a name.
RoomSummary summarize(const Room& room, const State& state, const UserId& reader);

}  // namespace matrix::engine
