// A run that is recorded, for commands that show it.
#pragma once

#include <chrono>
#include <optional>

#include "simulator/commands/child_run.h"
#include "simulator/recording/recording.h"
#include "simulator/view/story.h"

namespace matrix::simulator {

struct RecordedRun {
    RunResult result;
    Recording recording;  ///< Up to its end, also of a run that crashed or was killed.
};

/// One run in a child. Nothing: a signal came, or there is no room for a file or a process;
/// standard error says which, and `code` is to be given to the caller.
std::optional<RecordedRun> run_recorded(const Scenario& scenario,
                                        const RunOptions& options,
                                        std::chrono::seconds time_limit,
                                        ExitCode& code);

/// Of its end, for those who show it.
RunFacts facts_of(const RunResult& result, std::string banner, const std::string& repeat);

}  // namespace matrix::simulator
