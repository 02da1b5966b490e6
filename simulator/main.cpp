// The simulator's program: a command, a report, an exit code.

#include <variant>

#include "simulator/commands/command_line.h"

int main(int argc, char** argv) {
    using namespace matrix::simulator;
    const auto parsed = parse_command_line(argc, argv);
    if (const ExitCode* code = std::get_if<ExitCode>(&parsed)) return static_cast<int>(*code);
    const ExitCode code =
        std::visit([](const auto& command) { return execute(command); }, std::get<Command>(parsed));
    return static_cast<int>(code);
}
