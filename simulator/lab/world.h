// A world of the proposal lab: three servers that make a room together, each with its own view.
//
// The room is a random one of tests/generators; its events reach the servers late, and one server
// may be cut off for a while. Each server judges and resolves by itself. It may be told wrong
// states: instead of what an event follows on it once has another server's answer, in which an
// entry is older than it should be.
//
// Only state is simulated here, with the shipped rules and resolver, not whole servers: so a
// thousand worlds take a minute, and a world can be cut down to what matters.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "simulator/lab/figures.h"
#include "simulator/lab/resets.h"
#include "tests/generators/room.h"

namespace matrix::lab {

inline constexpr std::size_t kModelServers = 3;

/// What a world is made from: the same plan makes it under every room version, as far as the
/// version allows the same.
struct WorldPlan {
    std::vector<std::uint32_t> choices;  ///< Of the room; commands can be cut out.
    std::uint64_t seed = 0;              ///< Of everything else.
    std::size_t wrong_answers = 0;       ///< How often a server is told a wrong state.
};
WorldPlan plan_world(std::uint64_t seed, std::size_t wrong_answers);

/// One resolution with a result that took keys back, and where it happened.
struct Incident {
    std::size_t server = 0;
    std::size_t event = 0;            ///< At whose arrival; an index of the room's events.
    bool is_of_current_state = true;  ///< Else of the state before the event.
    std::vector<State> inputs;
    State result;
    std::set<EventId> rejected;  ///< By the server, so far.
    std::vector<TakenBack> taken_back;
};

/// A resolution of a world by its place.
struct Watch {
    std::size_t server = 0;
    std::size_t event = 0;
    bool is_of_current_state = true;
    friend bool operator==(const Watch&, const Watch&) = default;
};

struct World {
    generators::Room room;
    WorldFigures figures;
    std::vector<Incident> resets;     ///< The incidents with a reset that was counted.
    std::optional<Incident> watched;  ///< Whatever it did; nothing if nothing was resolved there.
};

History make_history(const generators::Room& room);

struct WorldOptions {
    Stopwatch stopwatch = {};
    const RoomRules* other = nullptr;  ///< For `WorldFigures::repairs`.
    std::optional<Watch> watch = {};
};
World run_world(const WorldPlan& plan, const RoomRules& rules, const WorldOptions& options = {});

}  // namespace matrix::lab
