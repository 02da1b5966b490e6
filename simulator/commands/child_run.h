// A run in a child process: its report, or how the process ended instead.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "simulator/commands/children.h"
#include "simulator/commands/exit_code.h"
#include "simulator/run.h"
#include "simulator/scenario/scenario.h"

namespace matrix::simulator {

struct RunResult {
    ExitCode code = ExitCode::Crash;
    RunReport report;    ///< Empty after a crash or a time-out.
    std::string reason;  ///< Of a crash: the assertion if there is one; of an infrastructure fault.
    std::uint64_t dispatches = 0;  ///< Also of a run that crashed.
    std::chrono::duration<double> took{};
};

/// A report as text, and back. `parse_report` takes what `write_report` wrote, nothing else.
std::string write_report(const std::optional<RunReport>& report);
std::optional<RunReport> parse_report(std::string_view text);

/// Starts a run; false if the system has no room for a process.
bool start_run(Children& children,
               std::size_t job,
               const Scenario& scenario,
               const RunOptions& options,
               std::chrono::seconds time_limit);
RunResult result_of(ChildEnd end);

/// One run in one child. Interrupted: a signal came.
RunResult run_in_child(const Scenario& scenario,
                       const RunOptions& options,
                       std::chrono::seconds time_limit,
                       ChildErrors errors = ChildErrors::Shown);

}  // namespace matrix::simulator
