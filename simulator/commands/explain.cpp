// `simulator explain`: what happened in a run, and why, as a text.

#include "simulator/commands/banner.h"
#include "simulator/commands/commands.h"
#include "simulator/commands/files.h"
#include "simulator/commands/recorded_run.h"
#include "simulator/view/story.h"

namespace matrix::simulator {

ExitCode execute(const ExplainCommand& command) {
    ExitCode code = ExitCode::Passed;
    const auto recorded = run_recorded(command.scenario, command.run, command.time_limit, code);
    if (!recorded) return code;
    const RunFacts facts =
        facts_of(recorded->result, describe(command.scenario, command.run), command.repeat);
    const bool is_written =
        write_output(command.output_file, tell_story(recorded->recording, facts));
    return is_written ? ExitCode::Passed : ExitCode::Infrastructure;
}

}  // namespace matrix::simulator
