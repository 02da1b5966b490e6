// A walk through a room's history by way of /messages, as a client does it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "simulator/world.h"

namespace matrix::simulator {

enum class WalkDirection { Backwards, Forwards };

struct HistoryWalk {
    std::vector<std::string> events;  ///< Ids, in the order in which they were visited.
    bool is_whole = false;            ///< False: it was refused, or did not come to its end.
};

/// Pages from one end of what the server has to the other.
Task<HistoryWalk> walk_history(
    World* world, User user, RoomId room, WalkDirection direction, std::int64_t page_events);

/// An event that was visited twice; nothing: none was.
std::optional<std::string> find_repeated(const HistoryWalk& walk);

}  // namespace matrix::simulator
