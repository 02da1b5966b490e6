#include "simulator/commands/double_run.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "simulator/divergence.h"

namespace matrix::simulator {
namespace {

namespace fs = std::filesystem;

class TemporaryFolder {
public:
    TemporaryFolder() {
        std::error_code error;
        std::string pattern = (fs::temp_directory_path(error) / "simulator-XXXXXX").string();
        if (!error && ::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        if (is_there()) fs::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    bool is_there() const { return !path_.empty(); }
    std::string file(const char* name) const { return (path_ / name).string(); }

private:
    fs::path path_;
};

std::string difference_of(const RunResult& first, const RunResult& second) {
    std::string text = "two hashes: " + first.report.trace_hash + " " + second.report.trace_hash;
    if (first.code != second.code) {
        text += "; two ends: " + std::string(name_of(first.code)) + ", " +
                std::string(name_of(second.code));
    }
    return text;
}

std::string first_diverging_record(const TemporaryFolder& folder) {
    std::ifstream one(folder.file("first"));
    std::ifstream other(folder.file("second"));
    const auto divergence = find_divergence(one, other);
    return divergence ? describe(*divergence) : std::string("the same records\n");
}

}  // namespace

bool has_ended(const RunResult& result) {
    return result.code != ExitCode::Infrastructure && result.code != ExitCode::Interrupted &&
           result.code != ExitCode::TimeOut;
}

RunResult compare_runs(RunResult first, RunResult second) {
    if (!has_ended(second)) return second;
    if (first.code != second.code || first.report.trace_hash != second.report.trace_hash ||
        first.dispatches != second.dispatches) {
        first.reason = difference_of(first, second);
        first.code = ExitCode::NonDeterminism;
    }
    return first;
}

RunResult run_twice(const Scenario& scenario,
                    const RunOptions& options,
                    std::chrono::seconds time_limit) {
    const TemporaryFolder folder;
    if (!folder.is_there()) {
        return {.code = ExitCode::Infrastructure,
                .reason = "--twice: no temporary folder can be made"};
    }
    RunOptions traced = options;
    traced.trace_file = folder.file("first");
    RunResult first = run_in_child(scenario, traced, time_limit);
    if (!has_ended(first)) return first;
    traced.trace_file = folder.file("second");
    RunResult result = compare_runs(std::move(first), run_in_child(scenario, traced, time_limit));
    if (result.code == ExitCode::NonDeterminism)
        result.reason += "\n" + first_diverging_record(folder);
    return result;
}

}  // namespace matrix::simulator
