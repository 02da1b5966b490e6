// From a seed to a scenario: which workloads and disturbances, and every step of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simulator/scenario/scenario.h"
#include "simulator/workloads/workload.h"

namespace matrix::simulator {

struct DrawOptions {
    std::uint64_t seed = 1;
    int servers = 10;
    int users_per_server = 2;
    std::int64_t chaos_ms = 600'000;
    LinkOptions link;
    WorkloadOptions workload = {.room_versions = {"10", "11", "12"}};
    std::vector<std::string> workloads = {"power_struggle"};  ///< Names of the table.
    /// Names of the table, all of which happen; or of none.
    std::vector<std::string> disturbances = {"split", "intruder"};
    bool is_swarm = false;  ///< The seed chooses among all disturbances instead.
};

/// The same options give the same scenario, on every platform.
Scenario draw_scenario(const DrawOptions& options);

}  // namespace matrix::simulator
