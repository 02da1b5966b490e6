// `simulator run` and `simulator replay`: a banner, a run, a report, an exit code.

#include <cstdio>

#include "refserver/base/sometimes.h"
#include "refserver/protocol/json.h"
#include "simulator/commands/banner.h"
#include "simulator/commands/child_run.h"
#include "simulator/commands/commands.h"
#include "simulator/commands/double_run.h"
#include "simulator/sweep/report_json.h"

namespace matrix::simulator {
namespace {

using Number = unsigned long long;

void print_findings(const RunReport& report) {
    for (const Finding& finding : report.findings)
        std::printf("%s: %s\n", finding.checker.c_str(), finding.what.c_str());
    if (report.finding_count > report.findings.size()) {
        std::printf("and %llu more\n",
                    static_cast<Number>(report.finding_count - report.findings.size()));
    }
    for (const Minimum& minimum : report.minima) {
        if (minimum.is_met()) continue;
        std::printf("too little happened: %s: %llu, at least %llu expected\n",
                    minimum.what.c_str(),
                    static_cast<Number>(minimum.counted),
                    static_cast<Number>(minimum.least));
    }
    for (const std::string& excuse : report.excuses)
        std::printf("excused: %s\n", excuse.c_str());
    if (!report.stuck_in.empty()) std::printf("stuck in phase: %s\n", report.stuck_in.c_str());
}

std::string repeat_line(const RunCommand& command, const RunResult& result) {
    return command.repeat + std::string(repeat_ending_of(result.code));
}

void print_text(const RunCommand& command, const RunResult& result) {
    const RunReport& report = result.report;
    const double real_s = result.took.count();
    if (!report.trace_hash.empty()) {
        std::printf("%.1f virtual s in %.2f s: %.0f deliveries/s\n",
                    static_cast<double>(report.virtual_us) / 1e6,
                    real_s,
                    static_cast<double>(report.metric("events_received")) / real_s);
        for (const auto& [name, count] : report.metrics) {
            if (count == 0) continue;
            std::printf("  %-40s %12llu\n", name.c_str(), static_cast<Number>(count));
        }
        std::printf("  %-40s %6zu of %4zu\n",
                    "marks reached",
                    report.reached.size(),
                    list_sometimes_places().size());
        print_findings(report);
        std::printf("trace hash %s\n", report.trace_hash.c_str());
    }
    if (!result.reason.empty()) std::printf("%s\n", result.reason.c_str());
    std::printf("%s\n", std::string(name_of(result.code)).c_str());
    if (is_failure(result.code)) std::printf("repeat: %s\n", repeat_line(command, result).c_str());
}

void print_json(const RunCommand& command, const RunResult& result) {
    const RunReport& report = result.report;
    const json::Object object{
        {"build", kBuildId},
        {"excuses", write_names(report.excuses)},
        {"finding_count", static_cast<std::int64_t>(report.finding_count)},
        {"findings", write_findings(report.findings)},
        {"metrics", write_counts(report.metrics)},
        {"name", command.scenario.name},
        {"outcome", name_of(result.code)},
        {"real_ms", static_cast<std::int64_t>(result.took.count() * 1000)},
        {"reached", write_names(report.reached)},
        {"reason", result.reason},
        {"repeat", repeat_line(command, result)},
        {"servers", command.scenario.servers},
        {"stuck_in", report.stuck_in},
        {"trace_hash", report.trace_hash},
        {"virtual_ms", report.virtual_us / 1000},
    };
    std::printf("%s\n", json::write(object).c_str());
}

RunResult run_here(const RunCommand& command) {
    const auto start = Children::Clock::now();
    ChildEnd end{.how = ChildEnd::How::Answered,
                 .answer = write_report(run(command.scenario, command.run))};
    end.took = Children::Clock::now() - start;
    return result_of(std::move(end));
}

RunResult run_as_asked(const RunCommand& command) {
    if (command.process == Process::Same) return run_here(command);
    if (command.runs == Runs::Twice)
        return run_twice(command.scenario, command.run, command.time_limit);
    return run_in_child(command.scenario, command.run, command.time_limit);
}

}  // namespace

ExitCode execute(const RunCommand& command) {
    if (command.output == Output::Text)
        std::fputs(describe(command.scenario, command.run).c_str(), stdout);
    std::fflush(stdout);
    const RunResult result = run_as_asked(command);
    if (command.output == Output::Json) {
        print_json(command, result);
    } else {
        print_text(command, result);
    }
    return result.code;
}

}  // namespace matrix::simulator
