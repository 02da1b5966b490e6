// `simulator sweep`: a run of each of many seeds, records as they end, a table.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <optional>
#include <utility>

#include "refserver/base/index_map.h"
#include "simulator/commands/child_run.h"
#include "simulator/commands/commands.h"
#include "simulator/commands/double_run.h"
#include "simulator/commands/progress.h"
#include "simulator/sweep/seed_record.h"
#include "simulator/sweep/table.h"

namespace matrix::simulator {
namespace {

std::int64_t now_ms() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::string shard_text(const Shard& shard) {
    return std::to_string(shard.index + 1) + "/" + std::to_string(shard.count);
}

// The same build, flags and seeds are the same run, so that a shard that is done again, or records
// of several shards, merge into one.
std::string run_name_of(const SweepCommand& command) {
    if (!command.run_name.empty()) return command.run_name;
    char name[32];
    const std::string what =
        std::string(kBuildId) + "\n" + command.flags + "\n" + command.seeds_text;
    std::snprintf(
        name, sizeof name, "sweep-%016llx", static_cast<unsigned long long>(stable_hash(what)));
    return name;
}

std::string reason_of(const RunResult& result) {
    if (!result.reason.empty()) return result.reason;
    if (!result.report.findings.empty()) {
        const Finding& first = result.report.findings.front();
        return first.checker + ": " + first.what;
    }
    if (!result.report.stuck_in.empty()) return "in phase " + result.report.stuck_in;
    if (!result.report.excuses.empty()) return "excused: " + result.report.excuses.front();
    for (const Minimum& minimum : result.report.minima) {
        if (!minimum.is_met())
            return minimum.what + ": " + std::to_string(minimum.counted) + " of " +
                   std::to_string(minimum.least);
    }
    return "";
}

// Appends lines, each at once on its way to the disk.
class RecordFile {
public:
    explicit RecordFile(const std::string& path)
        : file_(path.empty() ? nullptr : std::fopen(path.c_str(), "ab")) {
        is_broken_ = file_ == nullptr && !path.empty();
    }
    RecordFile(const RecordFile&) = delete;
    RecordFile& operator=(const RecordFile&) = delete;
    ~RecordFile() {
        if (file_ != nullptr) std::fclose(file_);
    }
    void add(const std::string& line) {
        if (file_ == nullptr) return;
        const bool is_written =
            std::fprintf(file_, "%s\n", line.c_str()) > 0 && std::fflush(file_) == 0;
        if (!is_written) is_broken_ = true;
    }
    bool is_broken() const { return is_broken_; }

private:
    std::FILE* file_;
    bool is_broken_ = false;
};

class Sweep {
public:
    explicit Sweep(const SweepCommand& command)
        : command_(command), run_name_(run_name_of(command)), records_(command.records_file) {
        const Shard& shard = command.shard.shard;
        for (std::size_t i = shard.index; i < command.seeds.size(); i += shard.count)
            seeds_.push_back(command.seeds[i]);
    }

    ExitCode run() {
        if (records_.is_broken()) {
            std::fprintf(stderr, "--records: cannot write %s\n", command_.records_file.c_str());
            return ExitCode::Infrastructure;
        }
        print_banner();
        records_.add(write(SweepRecord{.run = run_name_,
                                       .shard = shard_text(command_.shard.shard),
                                       .build = kBuildId,
                                       .seeds = command_.seeds_text,
                                       .flags = command_.flags,
                                       .time_ms = now_ms(),
                                       .planned_count = static_cast<int>(seeds_.size())}));
        while (may_begin() || children_.running() > 0) {
            while (may_begin() && children_.running() < static_cast<std::size_t>(command_.jobs)) {
                if (!begin()) return fail_to_start();
            }
            if (auto ended = children_.wait(Children::Clock::now() + kWaitStep))
                take(ended->job, result_of(std::move(ended->end)));
            if (is_stop_requested()) break;
            if (progress_.is_due()) show_progress();
        }
        children_.kill_all();
        return conclude();
    }

private:
    // A seed under way: its scenario, and with --twice the first of its two results.
    struct Attempt {
        SeedName seed;
        Scenario scenario;
        std::int64_t time_ms = 0;
        std::optional<RunResult> first;
    };

    void print_banner() {
        if (command_.output == Output::Json) return;
        std::printf("sweep %s, build %s: %zu of %zu seeds, shard %s%s%s\n",
                    run_name_.c_str(),
                    kBuildId,
                    seeds_.size(),
                    command_.seeds.size(),
                    shard_text(command_.shard.shard).c_str(),
                    command_.shard.source.empty() ? "" : ", chosen by ",
                    command_.shard.source.c_str());
        for (const SeedName& seed : command_.seeds) {
            if (seed.text == std::to_string(seed.seed)) continue;
            std::printf(
                "seed %s is %llu\n", seed.text.c_str(), static_cast<unsigned long long>(seed.seed));
        }
        std::fflush(stdout);
    }

    bool may_begin() const {
        if (next_ >= seeds_.size() || is_stop_requested()) return false;
        return !command_.budget || progress_.elapsed() < *command_.budget;
    }

    bool begin() {
        const std::size_t job = next_++;
        DrawOptions draw = command_.draw;
        draw.seed = seeds_[job].seed;
        Attempt& attempt = attempts_[job];
        attempt.seed = seeds_[job];
        attempt.scenario = draw_scenario(draw);
        attempt.time_ms = now_ms();
        return start(job, attempt);
    }

    bool start(std::size_t job, const Attempt& attempt) {
        return start_run(children_, job, attempt.scenario, command_.run, command_.time_limit);
    }

    ExitCode fail_to_start() {
        std::fprintf(stderr, "no process can be started\n");
        children_.kill_all();
        return worst_of(conclude(), ExitCode::Infrastructure);
    }

    void take(std::size_t job, RunResult result) {
        Attempt& attempt = attempts_.at(job);
        if (command_.runs_twice && !attempt.first && has_ended(result)) {
            attempt.first = std::move(result);
            if (start(job, attempt)) return;
            result = std::move(*attempt.first);
            result.code = ExitCode::Infrastructure;
            result.reason = "no process can be started";
        } else if (attempt.first) {
            const auto took = attempt.first->took + result.took;
            result = compare_runs(std::move(*attempt.first), std::move(result));
            result.took = took;
        }
        add_record(attempt, result);
        attempts_.erase(job);
    }

    void add_record(const Attempt& attempt, const RunResult& result) {
        SeedRecord record{.run = run_name_,
                          .seed = attempt.seed.seed,
                          .name = attempt.seed.text,
                          .outcome = std::string(name_of(result.code)),
                          .checkers = {},
                          .reason = reason_of(result),
                          .trace_hash = result.report.trace_hash,
                          .repeat = "simulator run --seed " + attempt.seed.text + command_.flags +
                                    std::string(repeat_ending_of(result.code)),
                          .metrics = result.report.metrics,
                          .reached = result.report.reached,
                          .time_ms = attempt.time_ms,
                          .duration_ms = static_cast<std::int64_t>(result.took.count() * 1000)};
        for (const Finding& finding : result.report.findings)
            ++record.checkers[finding.checker];
        records_.add(write(record));
        worst_ = done_.empty() ? result.code : worst_of(worst_, result.code);
        failed_ += is_failure(result.code);
        done_.push_back(std::move(record));
    }

    void show_progress() {
        const double seconds = progress_.elapsed().count();
        const double rate = static_cast<double>(done_.size()) / seconds;
        std::string line = std::to_string(done_.size()) + "/" + std::to_string(seeds_.size()) +
                           " seeds, " + std::to_string(failed_) + " failed";
        if (!done_.empty()) {
            double left = static_cast<double>(seeds_.size() - done_.size()) / rate;
            if (command_.budget)
                left = std::min(left, static_cast<double>(command_.budget->count()) - seconds);
            char text[64];
            std::snprintf(text, sizeof text, ", %.2f a second, ends in ", rate);
            line += text + describe_duration(std::chrono::duration<double>(std::max(0.0, left)));
        }
        progress_.show(line);
    }

    ExitCode conclude() {
        std::ranges::sort(done_, {}, &SeedRecord::seed);
        const SweepTable table = tabulate(done_);
        const std::size_t left = seeds_.size() - done_.size();
        if (command_.output == Output::Json) {
            std::printf("%s\n", to_json(table).c_str());
        } else {
            std::fputs(to_text(table).c_str(), stdout);
            if (left > 0) {
                std::printf("%zu seeds were not run: %s\n",
                            left,
                            is_stop_requested() ? "interrupted" : "the budget is used up");
            }
        }
        std::fflush(stdout);
        ExitCode code = done_.empty() ? ExitCode::Inconclusive : worst_;
        if (is_stop_requested()) code = worst_of(code, ExitCode::Interrupted);
        if (records_.is_broken()) {
            std::fprintf(stderr, "--records: cannot write %s\n", command_.records_file.c_str());
            code = worst_of(code, ExitCode::Infrastructure);
        }
        return code;
    }

    const SweepCommand& command_;
    std::string run_name_;
    RecordFile records_;
    std::vector<SeedName> seeds_;
    Children children_{ChildErrors::Kept};
    Progress progress_;
    std::size_t next_ = 0;
    std::map<std::size_t, Attempt> attempts_;
    std::vector<SeedRecord> done_;
    std::uint64_t failed_ = 0;
    ExitCode worst_ = ExitCode::Inconclusive;
};

}  // namespace

ExitCode execute(const SweepCommand& command) {
    watch_for_stop();
    return Sweep(command).run();
}

}  // namespace matrix::simulator
