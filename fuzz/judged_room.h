// A room of the generator, and the same room as the oracle reads it.
//
// Private to fuzz.
#pragma once

#include <vector>

#include "conformance/oracle/room.h"
#include "fuzz/target.h"
#include "tests/generators/room.h"

namespace matrix::fuzz {

struct JudgedRoom {
    /// Of a drawn room version; takes choices until the room is complete.
    explicit JudgedRoom(generators::Choices& choices);

    const RoomRules& rules() const { return room.rules(); }
    /// All events as the vectors of state resolution write them.
    json::Array describe_events() const;

    generators::Room room;
    oracle::Room literal;
};

/// With ids as references in every version, and its own id.
json::Object describe_event(const Event& event);
/// The ids of a state's events, sorted.
json::Array describe_state(const State& state);

}  // namespace matrix::fuzz
