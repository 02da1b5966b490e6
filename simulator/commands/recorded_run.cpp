#include "simulator/commands/recorded_run.h"

#include <cstdio>
#include <memory>

#include "simulator/recording/recorder.h"

namespace matrix::simulator {
namespace {

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

std::optional<RecordedRun> run_recorded(const Scenario& scenario,
                                        const RunOptions& options,
                                        std::chrono::seconds time_limit,
                                        ExitCode& code) {
    const std::unique_ptr<std::FILE, CloseFile> file(std::tmpfile());
    if (!file) {
        std::fprintf(stderr, "the recording: no temporary file can be made\n");
        code = ExitCode::Infrastructure;
        return std::nullopt;
    }
    Recorder recorder(file.get());
    RunOptions recorded = options;
    recorded.recorder = &recorder;
    RunResult result = run_in_child(scenario, recorded, time_limit, ChildErrors::Kept);
    if (result.code == ExitCode::Interrupted || result.code == ExitCode::Infrastructure) {
        if (!result.reason.empty()) std::fprintf(stderr, "%s\n", result.reason.c_str());
        code = result.code;
        return std::nullopt;
    }
    return RecordedRun{std::move(result), read_recording(file.get())};
}

RunFacts facts_of(const RunResult& result, std::string banner, const std::string& repeat) {
    std::string reason = result.reason;
    for (const std::string& excuse : result.report.excuses)
        reason += (reason.empty() ? "" : "\n") + excuse;
    return {.banner = std::move(banner),
            .outcome = std::string(name_of(result.code)),
            .reason = std::move(reason),
            .stuck_in = result.report.stuck_in,
            .trace_hash = result.report.trace_hash,
            .repeat = repeat + std::string(repeat_ending_of(result.code))};
}

}  // namespace matrix::simulator
