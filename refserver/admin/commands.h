// The commands of the program `refserver` on a server's data.
#pragma once

#include <optional>
#include <string>

namespace matrix::admin {

/// Runs the command that the first argument names, and says what the program exits with; nothing if
/// it names none of these.
std::optional<int> run_command(int count, const char* const* arguments);

/// A line for each, for `refserver --help`.
std::string list_commands();

}  // namespace matrix::admin
