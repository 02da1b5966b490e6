// The commands of the program `refserver` besides the server that it is without one.
#pragma once

#include <optional>
#include <string>

namespace matrix::commands {

/// Runs the command that the first argument names, and gives the exit code; nothing if it names
/// none.
std::optional<int> run_command(int count, const char* const* arguments);

/// The commands, one a line with what each is for: a part of the program's help.
std::string list_commands();

}  // namespace matrix::commands
