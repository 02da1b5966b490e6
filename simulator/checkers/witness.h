// What checkers share: servers that may be down, and findings that faults may excuse.
#pragma once

#include <string>
#include <string_view>

#include "simulator/world.h"

namespace matrix::simulator {

/// Null while it is down.
inline engine::Server* find_server(World& world, int number) {
    SimulatedServer& server = world.cluster().server(number);
    return server.is_up() ? &server.engine() : nullptr;
}

/// Null while the server is down, or if it does not know the room.
inline engine::RoomPtr find_room(World& world, int server, const RoomId& id) {
    engine::Server* engine = find_server(world, server);
    if (engine == nullptr) return nullptr;
    const auto room = engine->rooms().find(id);
    return room ? *room : nullptr;
}

/// A finding about what this server did, unless it has lost what it acknowledged: then an excuse.
inline void hold_against(World& world, int server, std::string_view checker, std::string what) {
    if (const auto excuse = world.find_excuse_of(server)) return world.excuse(*excuse);
    world.findings().add(checker, world.cluster().time().now_us(), std::move(what));
}

}  // namespace matrix::simulator
