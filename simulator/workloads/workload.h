// Workloads: what users do in a drawn scenario. They compose: each adds rooms and steps, and draws
// from a stream of its own, so that one more changes no other.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "refserver/protocol/room_rules.h"
#include "simulator/workloads/plan.h"

namespace matrix::simulator {

struct Workload {
    std::string_view name;
    std::string_view meaning;   ///< A sentence for `simulator list`.
    std::uint64_t percent = 0;  ///< How often a swarm has it.
    /// Adds its rooms, its steps, and what they should make happen at least, so that a run in which
    /// nothing of it happened is inconclusive. The order of steps does not matter.
    void (*draw)(Plan& plan) = nullptr;
    /// What one of the room versions must have, or a swarm leaves it out; null: nothing.
    bool RoomRules::* needs = nullptr;
};

/// The table of workloads.
std::span<const Workload> all_workloads();
const Workload* find_workload(std::string_view name);

/// The functions that the table names, one file each.
void draw_power_struggle(Plan& plan);
void draw_join_storm(Plan& plan);
void draw_moderation(Plan& plan);
void draw_knocking_and_restricted(Plan& plan);
void draw_busy_clients(Plan& plan);
void draw_room_upgrades(Plan& plan);
void draw_device_churn(Plan& plan);
void draw_history_paging(Plan& plan);
void draw_spaces(Plan& plan);

}  // namespace matrix::simulator
