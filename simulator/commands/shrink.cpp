// `simulator shrink`: runs candidates in child processes, and writes the smallest that fails.

#include "simulator/shrink/shrink.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>

#include <sys/resource.h>

#include "simulator/commands/child_run.h"
#include "simulator/commands/commands.h"
#include "simulator/commands/files.h"
#include "simulator/commands/progress.h"
#include "simulator/scenario/scenario_file.h"

namespace matrix::simulator {
namespace {

// A candidate that takes so much longer than what it is made from is given up.
constexpr double kPatience = 10;
constexpr std::chrono::seconds kPatienceMin{30};

/// What a run must do to fail in the same way.
struct FailureKind {
    ExitCode code = ExitCode::Passed;
    std::string checker;    ///< Of a failed check.
    std::string assertion;  ///< Of a crash.

    bool is_of(const RunResult& result) const {
        if (result.code != code) return false;
        if (code == ExitCode::Crash) return result.reason == assertion;
        if (code != ExitCode::FailedCheck) return true;
        return std::ranges::find(result.report.findings, checker, &Finding::checker) !=
               result.report.findings.end();
    }
    std::string text() const {
        if (code == ExitCode::FailedCheck) return "checker " + checker;
        return std::string(name_of(code)) + (assertion.empty() ? "" : ": " + assertion);
    }
};

// The failure of this run, or of the named checker in it; nothing: there is none.
std::optional<FailureKind> find_failure(const RunResult& result, const std::string& checker) {
    FailureKind kind{.code = result.code};
    if (result.code == ExitCode::Crash) kind.assertion = result.reason;
    if (result.code == ExitCode::FailedCheck)
        kind.checker = checker.empty() ? result.report.findings.front().checker : checker;
    const bool is_shrinkable = result.code == ExitCode::Crash || result.code == ExitCode::Stuck ||
                               result.code == ExitCode::FailedCheck;
    if (!is_shrinkable || !kind.is_of(result)) return std::nullopt;
    return kind;
}

class ChildJudge final : public Judge {
public:
    ChildJudge(const ShrinkCommand& command, FailureKind kind, const RunResult& first)
        : command_(command), kind_(std::move(kind)), dispatches_(first.dispatches) {
        const auto patience =
            std::chrono::duration_cast<std::chrono::seconds>(first.took * kPatience);
        time_limit_ = std::min(command.time_limit, std::max(kPatienceMin, patience));
    }

    std::optional<Accepted> find_first_failing(const Candidates& candidates) override {
        Children children(ChildErrors::Kept);
        std::map<std::size_t, Trial> trials;  // Those whose turn has not come.
        std::size_t started = 0;
        std::size_t decided = 0;
        bool is_exhausted = false;
        while (!is_over()) {
            while (!is_exhausted && children.running() < jobs()) {
                auto candidate = candidates();
                is_exhausted = !candidate.has_value();
                if (is_exhausted) break;
                Trial& trial = trials[started];
                trial.scenario = std::move(*candidate);
                if (!start_run(children, started++, trial.scenario, command_.run, time_limit_))
                    return std::nullopt;
                ++runs_;
            }
            if (children.running() == 0) return std::nullopt;
            if (auto ended = children.wait(Children::Clock::now() + kWaitStep))
                trials[ended->job].result = result_of(std::move(ended->end));
            show_progress();
            // In their order, whichever ended first.
            for (; decided < started && trials[decided].result; ++decided) {
                Trial& trial = trials[decided];
                if (!kind_.is_of(*trial.result)) {
                    trials.erase(decided);
                    continue;
                }
                dispatches_ = trial.result->dispatches;
                return Accepted{decided, std::move(trial.scenario)};
            }
        }
        return std::nullopt;
    }

    std::optional<ChoiceRecord> record(const Scenario& scenario) override {
        RunOptions options = command_.run;
        options.is_recording = true;
        RunResult result = run_in_child(scenario, options, time_limit_);
        ++runs_;
        if (!kind_.is_of(result) || result.code == ExitCode::Crash) return std::nullopt;
        return std::move(result.report.choices);
    }

    bool is_over() override {
        return is_stop_requested() || (command_.budget && progress_.elapsed() >= *command_.budget);
    }

    void report(const Scenario& smaller, std::string_view how) override {
        current_ = std::to_string(smaller.servers) + " servers, " +
                   std::to_string(smaller.rooms.size()) + " rooms, " +
                   std::to_string(smaller.timeline.size()) + " steps, " +
                   std::to_string(dispatches_) + " dispatches; fewer " + std::string(how);
        show_progress();
    }

    std::uint64_t dispatches() const { return dispatches_; }
    std::uint64_t runs() const { return runs_; }
    double elapsed_s() const { return progress_.elapsed().count(); }

private:
    struct Trial {
        Scenario scenario;
        std::optional<RunResult> result;
    };

    std::size_t jobs() const { return static_cast<std::size_t>(command_.jobs); }

    void show_progress() {
        if (!progress_.is_due() || current_.empty()) return;
        progress_.show(current_ + ", " + std::to_string(runs_) + " runs, " +
                       describe_duration(progress_.elapsed()));
    }

    const ShrinkCommand& command_;
    FailureKind kind_;
    std::chrono::seconds time_limit_{};
    Progress progress_;
    std::string current_;
    std::uint64_t dispatches_;
    std::uint64_t runs_ = 0;
};

// Of all runs: what it would take alone on one core.
double processor_time_s() {
    struct rusage usage = {};
    getrusage(RUSAGE_CHILDREN, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string describe_change(std::uint64_t before, std::uint64_t after) {
    if (before == 0 || after == 0) return "";
    char text[96];
    std::snprintf(text,
                  sizeof text,
                  "%llu dispatches before, %llu after, %.1f %% fewer; ",
                  static_cast<unsigned long long>(before),
                  static_cast<unsigned long long>(after),
                  100.0 * (1.0 - static_cast<double>(after) / static_cast<double>(before)));
    return text;
}

ExitCode write_result(const ShrinkCommand& command,
                      Scenario smallest,
                      const FailureKind& kind,
                      const ChildJudge& judge,
                      std::uint64_t before) {
    const std::string file = command.output_file.empty() ? "FILE" : command.output_file;
    smallest.name = "shrunk from " + command.scenario.name;
    smallest.description =
        "Fails: " + kind.text() + ". Repeat: simulator replay FILE" + command.flags;
    if (!write_output(command.output_file, write_scenario(smallest)))
        return ExitCode::Infrastructure;
    // The scenario may be what stands on standard output.
    std::FILE* out = command.output_file.empty() ? stderr : stdout;
    std::fprintf(out,
                 "%s\n%zu steps before, %zu after; %d servers before, %d after\n"
                 "%s%llu runs in %.1f s, %.1f s of processor time\nrepeat: simulator replay %s%s\n",
                 kind.text().c_str(),
                 command.scenario.timeline.size(),
                 smallest.timeline.size(),
                 command.scenario.servers,
                 smallest.servers,
                 describe_change(before, judge.dispatches()).c_str(),
                 static_cast<unsigned long long>(judge.runs()),
                 judge.elapsed_s(),
                 processor_time_s(),
                 file.c_str(),
                 command.flags.c_str());
    if (smallest.seed) std::fprintf(out, "not at its end: what chance decides is left\n");
    return is_stop_requested() ? ExitCode::Interrupted : ExitCode::Passed;
}

}  // namespace

ExitCode execute(const ShrinkCommand& command) {
    const RunResult first =
        run_in_child(command.scenario, command.run, command.time_limit, ChildErrors::Kept);
    if (first.code == ExitCode::Interrupted) return first.code;
    if (first.code == ExitCode::Infrastructure) {
        std::fprintf(stderr, "%s\n", first.reason.c_str());
        return first.code;
    }
    const auto kind = find_failure(first, command.checker);
    if (!kind) {
        std::fprintf(stderr,
                     "nothing to shrink: %s%s, which is no failure that stays\n",
                     std::string(name_of(first.code)).c_str(),
                     command.checker.empty() ? "" : (", not by " + command.checker).c_str());
        return ExitCode::Usage;
    }
    ChildJudge judge(command, *kind, first);
    Scenario smallest = shrink(command.scenario, judge);
    return write_result(command, std::move(smallest), *kind, judge, first.dispatches);
}

}  // namespace matrix::simulator
