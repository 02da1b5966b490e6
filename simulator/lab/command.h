// `simulator compare`: the flags, and what they make.
#pragma once

#include "simulator/lab/figures.h"

namespace matrix::lab {

/// The exit code. `arguments[0]` is the name of the command; `stopwatch` reads a real clock.
int run_compare_command(int count, char** arguments, const Stopwatch& stopwatch);

}  // namespace matrix::lab
