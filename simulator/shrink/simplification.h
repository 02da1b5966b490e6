// Simplifications: changes of a scenario that make one value of it simpler.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "simulator/scenario/scenario.h"

namespace matrix::simulator {

using Simplification = std::function<void(Scenario&)>;

/// What may be simpler in this scenario, the boldest change of each value first: no loss, a
/// constant latency, identity 0; steps soon after one another; a step's integers towards the
/// simplest that its verb allows, the first option, no argument that is optional, the first user,
/// server or room.
///
/// They fit any scenario with the same steps and rooms in the same order, one after the other; the
/// result may be unsound, or be the same as before.
std::vector<Simplification> simplifications_of(const Scenario& scenario);

/// The simplest integer from `least` to `most`: the one nearest to 0.
std::int64_t simplest_integer(std::int64_t least, std::int64_t most);

}  // namespace matrix::simulator
