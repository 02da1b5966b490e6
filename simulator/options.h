// The simulator's command line.
#pragma once

#include <string>
#include <variant>

#include "refserver/versions/room_version_file.h"
#include "simulator/run.h"
#include "simulator/scenario/scenario.h"

namespace matrix::simulator {

/// What to print: text for people, or one JSON object.
enum class Output { Text, Json };

/// `run` and `replay`: one scenario, drawn from a seed or read from a file.
struct RunCommand {
    Scenario scenario;
    RunOptions run;
    Output output = Output::Text;
};
/// `draw`: the scenario of a seed, as a file.
struct DrawCommand {
    Scenario scenario;
};
/// `list`: what scenarios are made of.
struct ListCommand {};

using Command = std::variant<RunCommand, DrawCommand, ListCommand>;

/// The command, or the exit code when there is nothing to do but exit (help, version, bad flags).
///
/// Room versions that were given as files stay registered as long as `room_versions`.
std::variant<Command, int> parse_command_line(int argc,
                                              char** argv,
                                              versions::Registrations& room_versions);

/// Printed, never hashed: which build this is.
inline constexpr const char* kBuildId = TOUCHSTONE_BUILD_ID;

}  // namespace matrix::simulator
