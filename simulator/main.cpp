// The simulator's program: a command, a report, an exit code.

#include <chrono>
#include <cstdio>
#include <string>
#include <variant>

#include "refserver/protocol/json.h"
#include "simulator/checkers/checkers.h"
#include "simulator/options.h"
#include "simulator/scenario/disturbance.h"
#include "simulator/scenario/scenario_file.h"
#include "simulator/scenario/verbs.h"
#include "simulator/workloads/workload.h"

namespace {

using namespace matrix::simulator;
namespace json = matrix::json;

int exit_code_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::Passed:
            return 0;
        case Outcome::FailedCheck:
            return 1;
        case Outcome::Inconclusive:
            return 3;
        case Outcome::Stuck:
            return 4;
    }
    matrix::unreachable();
}

void print_text(const RunCommand& command, const RunReport& report, double real_s) {
    std::printf("%s, %d servers, build %s\n",
                command.scenario.name.c_str(),
                command.scenario.servers,
                kBuildId);
    std::printf("%.1f virtual s in %.2f s: %.0f deliveries/s\n",
                static_cast<double>(report.virtual_us) / 1e6,
                real_s,
                static_cast<double>(report.metric("events_received")) / real_s);
    for (const auto& [name, count] : report.metrics) {
        if (count == 0) continue;
        std::printf("  %-40s %12llu\n", name.c_str(), static_cast<unsigned long long>(count));
    }
    for (const Finding& finding : report.findings) {
        std::printf("%s: %s\n", finding.checker.c_str(), finding.what.c_str());
    }
    if (report.finding_count > report.findings.size()) {
        std::printf("and %llu more\n",
                    static_cast<unsigned long long>(report.finding_count - report.findings.size()));
    }
    for (const Minimum& minimum : report.minima) {
        if (minimum.is_met()) continue;
        std::printf("too little happened: %s: %llu, at least %llu expected\n",
                    minimum.what.c_str(),
                    static_cast<unsigned long long>(minimum.counted),
                    static_cast<unsigned long long>(minimum.least));
    }
    for (const std::string& excuse : report.excuses)
        std::printf("excused: %s\n", excuse.c_str());
    if (!report.stuck_in.empty()) std::printf("stuck in phase: %s\n", report.stuck_in.c_str());
    std::printf("trace hash %s\n%s\n",
                report.trace_hash.c_str(),
                std::string(name_of(report.outcome)).c_str());
}

void print_json(const RunCommand& command, const RunReport& report, double real_s) {
    json::Object metrics;
    for (const auto& [name, count] : report.metrics)
        metrics.set(name, static_cast<std::int64_t>(count));
    json::Array findings;
    for (const Finding& finding : report.findings) {
        findings.emplace_back(json::Object{
            {"at_us", finding.at_us}, {"checker", finding.checker}, {"what", finding.what}});
    }
    json::Array excuses;
    for (const std::string& excuse : report.excuses)
        excuses.emplace_back(excuse);
    const json::Object object{
        {"build", kBuildId},
        {"excuses", std::move(excuses)},
        {"finding_count", static_cast<std::int64_t>(report.finding_count)},
        {"findings", std::move(findings)},
        {"metrics", std::move(metrics)},
        {"name", command.scenario.name},
        {"outcome", name_of(report.outcome)},
        {"real_ms", static_cast<std::int64_t>(real_s * 1000)},
        {"servers", command.scenario.servers},
        {"stuck_in", report.stuck_in},
        {"trace_hash", report.trace_hash},
        {"virtual_ms", report.virtual_us / 1000},
    };
    std::printf("%s\n", json::write(object).c_str());
}

int execute(const RunCommand& command) {
    const auto start = std::chrono::steady_clock::now();
    const auto report = run(command.scenario, command.run);
    const std::chrono::duration<double> real = std::chrono::steady_clock::now() - start;
    if (!report) {
        std::fprintf(stderr, "--trace: cannot write %s\n", command.run.trace_file->c_str());
        return 2;
    }
    if (command.output == Output::Json) {
        print_json(command, *report, real.count());
    } else {
        print_text(command, *report, real.count());
    }
    return exit_code_of(report->outcome);
}

int execute(const DrawCommand& command) {
    std::fputs(write_scenario(command.scenario).c_str(), stdout);
    return 0;
}

void print_entry(std::string_view name, std::string_view meaning) {
    std::printf("  %-20s %s\n", std::string(name).c_str(), std::string(meaning).c_str());
}

int execute(const ListCommand&) {
    std::printf("workloads\n");
    for (const Workload& workload : all_workloads())
        print_entry(workload.name, workload.meaning);
    std::printf("disturbances\n");
    for (const Disturbance& disturbance : all_disturbances())
        print_entry(disturbance.name, disturbance.meaning);
    std::printf("checkers\n");
    for (const Checker& checker : all_checkers())
        print_entry(checker.name, checker.meaning);
    std::printf("verbs of a timeline\n");
    for (const Verb& verb : all_verbs()) {
        print_entry(verb.name, verb.meaning);
        for (const Parameter& parameter : verb.parameters)
            print_entry("", describe(parameter));
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const auto parsed = parse_command_line(argc, argv);
    if (const int* exit_code = std::get_if<int>(&parsed)) return *exit_code;
    return std::visit([](const auto& command) { return execute(command); },
                      std::get<Command>(parsed));
}
