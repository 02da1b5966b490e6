// `simulator view`: a run as a page, or as a text of columns.

#include <cstdio>

#include "simulator/commands/banner.h"
#include "simulator/commands/commands.h"
#include "simulator/commands/files.h"
#include "simulator/commands/recorded_run.h"
#include "simulator/view/page.h"
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
    if (!command.page_file.empty()) {
        const RunFacts facts =
            facts_of(recorded->result, describe(command.scenario, command.run), command.repeat);
        const std::string page = write_page(recorded->recording, facts, command.scenario.name);
        if (!write_output(command.page_file, page)) return ExitCode::Infrastructure;
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
