// How far a long run is, on standard error.
#pragma once

#include <string_view>

namespace matrix::comparison {

/// Replaces the line on a terminal; elsewhere each call is a line of its own.
void print_progress(std::string_view text);
/// Makes room for what a program prints at its end.
void clear_progress();

}  // namespace matrix::comparison
