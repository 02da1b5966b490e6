// The simulator's command line: from arguments to a command.
#pragma once

#include <variant>

#include "refserver/versions/room_version_file.h"
#include "simulator/commands/commands.h"

namespace matrix::simulator {

using Command = std::variant<RunCommand,
                             DrawCommand,
                             ListCommand,
                             SweepCommand,
                             ShrinkCommand,
                             ViewCommand,
                             ExplainCommand,
                             MergeCommand>;

/// The command, or the exit code when there is nothing to do but exit (help, version, bad flags).
///
/// Room versions that were given as files stay registered as long as `room_versions`.
std::variant<Command, ExitCode> parse_command_line(int argc,
                                                   char** argv,
                                                   versions::Registrations& room_versions);

}  // namespace matrix::simulator
