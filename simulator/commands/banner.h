// The banner of a run: everything that was drawn for it.
#pragma once

#include <string>

#include "simulator/run.h"
#include "simulator/scenario/scenario.h"

namespace matrix::simulator {

/// Several lines: name and build, servers, rooms and their versions, links, chance, and how many
/// steps of each verb there are.
std::string describe(const Scenario& scenario, const RunOptions& options);

}  // namespace matrix::simulator
