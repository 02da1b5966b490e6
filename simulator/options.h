// The simulator's command line.
#pragma once

#include <variant>

#include "simulator/run.h"

namespace matrix::simulator {

/// What to print: text for people, or one JSON object.
enum class Output { Text, Json };

struct Command {
    RunOptions run;
    Output output = Output::Text;
};

/// The command, or the exit code when there is nothing to do but exit (help, version, bad flags).
std::variant<Command, int> parse_command_line(int argc, char** argv);

/// Printed, never hashed: which build this is.
inline constexpr const char* kBuildId = TOUCHSTONE_BUILD_ID;

}  // namespace matrix::simulator
