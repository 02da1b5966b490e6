// One scenario run twice: the same hash, or the first record in which the runs differ.
#pragma once

#include "simulator/commands/child_run.h"

namespace matrix::simulator {

/// The first run's result. If the second has another hash, or another end, the code is
/// NonDeterminism and `reason` shows the first diverging record. Both write their traces to a
/// temporary folder, which is removed.
RunResult run_twice(const Scenario& scenario,
                    const RunOptions& options,
                    std::chrono::seconds time_limit);

}  // namespace matrix::simulator
