// Disturbances: what goes wrong in a drawn scenario, beside its workloads.
//
// Each adds steps: faults, or acts of Byzantine hosts. A seed chooses some of them (swarm testing:
// a run in which one thing never fails finds what a run in which everything fails hides).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "refserver/runtime/random.h"
#include "simulator/scenario/scenario.h"

namespace matrix::simulator {

struct Disturbance {
    std::string_view name;
    std::string_view
        meaning;            ///< A sentence for `simulator list`, with the range of what is drawn.
    std::uint64_t percent;  ///< How often a swarm has it.
    /// Adds its steps within `scenario.chaos_ms`, and what they should make happen at least.
    void (*draw)(Scenario& scenario, runtime::Random& random);
};

/// All of them: of faults/ and of byzantine/.
const std::vector<Disturbance>& all_disturbances();
const Disturbance* find_disturbance(std::string_view name);

/// The tables of the folders.
std::span<const Disturbance> fault_disturbances();
std::span<const Disturbance> byzantine_disturbances();

}  // namespace matrix::simulator
