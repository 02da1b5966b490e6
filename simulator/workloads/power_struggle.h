// The workload "power struggle": all users are in one room of each version, where they talk, edit
// power levels, ban, kick, invite and unban each other.
#pragma once

#include "simulator/workloads/workload.h"

namespace matrix::simulator {

void draw_power_struggle(Scenario& scenario,
                         const WorkloadOptions& options,
                         runtime::Random& random);

}  // namespace matrix::simulator
