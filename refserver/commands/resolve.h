// `refserver resolve`: the resolved state of a room, and how it came about.
#pragma once

#include "refserver/commands/exit_code.h"
#include "refserver/commands/options.h"

namespace matrix::commands {

/// Prints to standard output, and errors of the input to standard error.
ExitCode run_resolve(const ResolveOptions& options);

}  // namespace matrix::commands
