// `refserver check`: every breach in a file of events.
#pragma once

#include "refserver/commands/exit_code.h"
#include "refserver/commands/options.h"

namespace matrix::commands {

/// Prints to standard output, and errors of the input to standard error.
ExitCode run_check(const CheckOptions& options);

}  // namespace matrix::commands
