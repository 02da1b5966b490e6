// From a seed to a scenario: which workloads and disturbances, and every step of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/scenario/scenario.h"
#include "simulator/workloads/workload.h"

namespace matrix::simulator {

/// What users do, if nobody says what.
inline constexpr std::string_view kDefaultWorkload = "power_struggle";

struct DrawOptions {
    std::uint64_t seed = 1;
    int servers = 10;
    int users_per_server = 2;
    std::int64_t chaos_ms = 600'000;
    LinkOptions link;
    WorkloadOptions workload = {.room_versions = {"10", "11", "12"}};
    /// Names of the table, all of which happen. None: `kDefaultWorkload`, and in a swarm those that
    /// the seed chooses, one at least.
    std::vector<std::string> workloads;
    /// Names of the table, all of which happen; or of none.
    std::vector<std::string> disturbances = {"split", "intruder"};
    bool is_swarm = false;  ///< The seed chooses among all disturbances instead.
};

/// The same options give the same scenario, on every platform.
Scenario draw_scenario(const DrawOptions& options);

}  // namespace matrix::simulator
