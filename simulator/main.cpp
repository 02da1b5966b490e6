// The simulator's program: a command, a report, an exit code.

#include <chrono>
#include <string_view>
#include <variant>

#include "simulator/commands/command_line.h"
#include "simulator/lab/command.h"
#include "simulator/start_live.h"

int main(int argc, char** argv) {
    using namespace matrix::simulator;
    if (argc > 1 && std::string_view(argv[1]) == "live") return start_live(argc, argv);
    if (argc > 1 && std::string_view(argv[1]) == "compare") {
        return matrix::lab::run_compare_command(argc - 1, argv + 1, [] {
            return std::chrono::steady_clock::now().time_since_epoch().count();
        });
    }
    matrix::versions::Registrations room_versions;
    const auto parsed = parse_command_line(argc, argv, room_versions);
    if (const ExitCode* code = std::get_if<ExitCode>(&parsed)) return static_cast<int>(*code);
    const ExitCode code =
        std::visit([](const auto& command) { return execute(command); }, std::get<Command>(parsed));
    return static_cast<int>(code);
}
