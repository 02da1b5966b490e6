// Exit codes: one for each class of what can come of a run, all below 64.
#pragma once

#include <string_view>

#include "simulator/run.h"

namespace matrix::simulator {

/// What became of a run, as the process's exit code. The numbers are a promise; see --help.
enum class ExitCode {
    Passed = 0,
    FailedCheck = 1,     ///< A checker found something wrong.
    Usage = 2,           ///< Wrong flags, environment, scenario or input file.
    Inconclusive = 3,    ///< Nothing was found, but too little happened.
    Stuck = 4,           ///< Liveness: the servers did not come to rest.
    NonDeterminism = 5,  ///< Two runs of one scenario had different hashes.
    Infrastructure = 6,  ///< No process could be started, or a file not be written.
    Crash = 7,           ///< The run ended by an assertion or a signal.
    TimeOut = 8,         ///< The run was killed after its real time was over.
    Interrupted = 9,     ///< SIGINT or SIGTERM came before the end.
};

std::string_view name_of(ExitCode code);  ///< "passed", "failed-check", "crash", ...
/// Of these, what counts as a failure of the servers or of the simulator.
bool is_failure(ExitCode code);
ExitCode exit_code_of(Outcome outcome);

/// The exit code of several runs. The worst first: crash, non-determinism, failed check, stuck,
/// time-out, infrastructure, usage, interrupted, passed, inconclusive: so a sweep is inconclusive
/// only when no run of it passed.
ExitCode worst_of(ExitCode a, ExitCode b);

/// What the line that repeats a failure needs besides the flags of the run.
std::string_view repeat_ending_of(ExitCode code);

}  // namespace matrix::simulator
