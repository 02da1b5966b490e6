// Rooms that the properties of this folder draw with RapidCheck.
//
// To be called inside a property only. A failure shrinks command by command: what RapidCheck prints
// is the smallest room that it found, and how to repeat it.
#pragma once

#include <vector>

#include "tests/generators/room.h"
#include "tests/generators/state_sets.h"

namespace matrix::draw {

/// Each room version as often as any other.
const RoomRules& any_rules();
/// One of the versions that resolve state by an algorithm.
const RoomRules& rules_of(StateResolution algorithm);

/// A stream of choices for a room with up to about 60 commands.
generators::Choices choices();
generators::Room room(const RoomRules& rules, const generators::RoomLimits& limits);

/// A room, and states of it to resolve.
struct Dispute {
    generators::Room room;
    std::vector<State> states;

    State resolve(std::span<const State> some, ResolutionTrace* trace = nullptr) const {
        return matrix::resolve(some, room.finder(), room.rules(), ed25519_verifier(), trace);
    }
    const Event& event(const EventId& id) const { return *room.find(id).event; }
};
Dispute dispute(const RoomRules& rules);
/// Of a room of honest servers.
Dispute honest_dispute(const RoomRules& rules);

/// One of the events of the room but its create event, and one of its states.
struct Judged {
    EventPtr event;
    State state;
};
Judged judged(const generators::Room& room);

}  // namespace matrix::draw
