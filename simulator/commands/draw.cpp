// `simulator draw`: the scenario of a seed, as a file.

#include <cstdio>

#include "simulator/commands/commands.h"
#include "simulator/scenario/scenario_file.h"

namespace matrix::simulator {

ExitCode execute(const DrawCommand& command) {
    std::fputs(write_scenario(command.scenario).c_str(), stdout);
    return ExitCode::Passed;
}

}  // namespace matrix::simulator
