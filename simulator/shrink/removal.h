// Removals: a scenario without some of its servers, users, rooms, hosts or steps.
//
// What stays is numbered anew, in rooms, steps and recorded streams alike; a step that is about
// what was removed goes with it. The verbs' tables say what each argument is.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "simulator/scenario/scenario.h"

namespace matrix::simulator {

/// A range of places in a list.
struct Places {
    std::size_t first = 0;
    std::size_t count = 0;
    bool contains(std::size_t place) const { return place >= first && place - first < count; }
};

/// Gives a room another creator, who has no power level beside that of a creator where the room's
/// version forbids one.
void set_creator(RoomPlan& room, std::string creator);

/// Nothing: what would be left is no scenario, for lack of a server for example. The results are
/// sound (`find_fault_of`) if the scenario is.
std::optional<Scenario> without_servers(const Scenario& scenario, Places servers);
/// Of each server only the first users stay.
std::optional<Scenario> with_fewer_users(const Scenario& scenario, int users_per_server);
std::optional<Scenario> without_byzantine_hosts(const Scenario& scenario, Places hosts);
std::optional<Scenario> without_rooms(const Scenario& scenario, Places rooms);
std::optional<Scenario> without_steps(const Scenario& scenario, Places steps);
/// The timeline ends earlier; steps of a later time go.
std::optional<Scenario> with_shorter_chaos(const Scenario& scenario, std::int64_t chaos_ms);

}  // namespace matrix::simulator
