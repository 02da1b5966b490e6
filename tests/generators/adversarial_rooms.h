// Rooms that somebody made to be expensive, or to be impossible.
//
// Their events are abstract and are not checked: what is measured and feared is the resolver.
#pragma once

#include <ostream>
#include <string_view>
#include <vector>

#include "tests/generators/room.h"

namespace matrix::generators {

/// How the auth events of such a room hang together.
enum class AuthShape {
    Antichain,   ///< Concurrent power levels that all cite the same events.
    PowerChain,  ///< Each power levels event cites the one before it.
    FanIn,       ///< Every event cites as many as it may, of the layer before it.
    Ladder,      ///< Two chains of power levels that cite each other's last event in turns.
    Cycle,       ///< Events that cite each other and themselves; only claimed ids can do that.
};
std::string_view name_of(AuthShape shape);
std::ostream& operator<<(std::ostream& out, AuthShape shape);
/// Those that can exist: without the cycle.
std::vector<AuthShape> acyclic_shapes();

struct AdversarialRoom {
    Room room;
    std::vector<State> states;  ///< To be resolved.
};

/// A room of about `size` events beside its beginning; times and order of ids are drawn.
AdversarialRoom make_adversarial_room(Choices& choices,
                                      const RoomRules& rules,
                                      AuthShape shape,
                                      std::size_t size);

}  // namespace matrix::generators
