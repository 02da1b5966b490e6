// One scenario run twice: the same hash, or the first record in which the runs differ.
#pragma once

#include "simulator/commands/child_run.h"

namespace matrix::simulator {

/// Did it end by itself? A run that did not has no result to compare.
bool has_ended(const RunResult& result);

/// What two runs of one scenario say together; the first has ended. The first's result: if the
/// second has another hash, another end or another number of dispatches, with the code
/// NonDeterminism and a reason. The second's if that did not end by itself.
RunResult compare_runs(RunResult first, RunResult second);

/// Runs it twice and compares; of non-determinism, `reason` shows the first diverging record. Both
/// write their traces to a temporary folder, which is removed.
RunResult run_twice(const Scenario& scenario,
                    const RunOptions& options,
                    std::chrono::seconds time_limit);

}  // namespace matrix::simulator
