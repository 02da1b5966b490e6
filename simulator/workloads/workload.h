// Workloads: what users do in a drawn scenario. They compose: each adds rooms and steps.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/runtime/random.h"
#include "simulator/scenario/scenario.h"

namespace matrix::simulator {

/// What a workload is asked for.
struct WorkloadOptions {
    std::vector<std::string> room_versions;  ///< One room of each.
    std::int64_t pause_ms_max = 20'000;      ///< Between two actions of one user.
    bool has_split = false;  ///< Is the network split for a while? Then conflicts are expected.
};

struct Workload {
    std::string_view name;
    std::string_view meaning;  ///< A sentence for `simulator list`.
    /// Adds its rooms, its steps within `scenario.chaos_ms`, and what they should make happen at
    /// least. The order of steps does not matter.
    void (*draw)(Scenario& scenario, const WorkloadOptions& options, runtime::Random& random);
};

/// The table of workloads.
std::span<const Workload> all_workloads();
const Workload* find_workload(std::string_view name);

}  // namespace matrix::simulator
