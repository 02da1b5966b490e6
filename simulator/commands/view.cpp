// `simulator view`: a run as a page, or as a text of columns.

#include <cstdio>

#include "simulator/commands/commands.h"
#include "simulator/commands/files.h"
#include "simulator/commands/recorded_run.h"
#include "simulator/view/text_log.h"

namespace matrix::simulator {

ExitCode execute(const ViewCommand& command) {
    ExitCode code = ExitCode::Passed;
    const auto recorded = run_recorded(command.scenario, command.run, command.time_limit, code);
    if (!recorded) return code;
    if (!command.log_file.empty()) {
        const std::string file = command.log_file == "-" ? "" : command.log_file;
        if (!write_output(file, write_text_log(recorded->recording)))
            return ExitCode::Infrastructure;
    }
    std::fprintf(stderr,
                 "%s: %zu dispatches, %zu events, %zu messages\n",
                 std::string(name_of(recorded->result.code)).c_str(),
                 recorded->recording.dispatches.size(),
                 recorded->recording.events.size(),
                 recorded->recording.messages.size());
    return ExitCode::Passed;
}

}  // namespace matrix::simulator
