// The simulator's program: one run, one report, one exit code.

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <variant>

#include "refserver/protocol/json.h"
#include "simulator/options.h"
#include "simulator/start_live.h"

namespace {

using namespace matrix::simulator;
namespace json = matrix::json;

const char* name_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::Passed:
            return "passed";
        case Outcome::Disagreement:
            return "disagreement";
        case Outcome::Vacuous:
            return "vacuous";
        case Outcome::Stuck:
            return "stuck";
    }
    matrix::unreachable();
}

int exit_code_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::Passed:
            return 0;
        case Outcome::Disagreement:
            return 1;
        case Outcome::Vacuous:
            return 3;
        case Outcome::Stuck:
            return 4;
    }
    matrix::unreachable();
}

void print_count(const char* what, std::uint64_t count) {
    std::printf("  %-40s %12llu\n", what, static_cast<unsigned long long>(count));
}

void print_text(const Command& command, const RunReport& report, double real_s) {
    std::printf("seed %llu, %d servers, build %s\n",
                static_cast<unsigned long long>(command.run.cluster.seed),
                command.run.cluster.servers,
                kBuildId);
    std::printf("%.1f virtual s in %.2f s: %.0f deliveries/s\n",
                static_cast<double>(report.virtual_us) / 1e6,
                real_s,
                static_cast<double>(report.deliveries) / real_s);
    print_count("client operations", report.operations.operations);
    print_count("  refused", report.operations.refused);
    print_count("  other server unreachable (502)", report.operations.unreachable);
    print_count("  failed (other 5xx)", report.operations.failed);
    print_count("events sent", report.counters.events_sent);
    print_count("events accepted from other servers", report.deliveries);
    print_count("events rejected", report.counters.events_rejected);
    print_count("events soft-failed", report.counters.events_soft_failed);
    print_count("intrusions", report.intrusions);
    print_count("resolutions", report.counters.resolutions);
    print_count("  with a conflict", report.counters.resolutions_with_conflict);
    print_count("  decided by the mainline", report.counters.resolutions_by_mainline);
    print_count("dispatches", report.dispatches);
    print_count("messages", report.messages);
    print_count("random draws", report.draws);
    print_count("pairs of servers compared", report.convergence.pairs_compared);
    print_count("pairs estranged", report.convergence.pairs_estranged);
    print_count("events compared", report.convergence.events_compared);
    for (const std::string& what : report.convergence.disagreements) {
        std::printf("disagreement: %s\n", what.c_str());
    }
    print_count("events checked by fsck", report.soundness.events);
    for (const std::string& what : report.soundness.breaches) {
        std::printf("breach: %s\n", what.c_str());
    }
    for (const std::string& what : report.operations.failures) {
        std::printf("failed request: %s\n", what.c_str());
    }
    for (const Minimum& minimum : report.minima) {
        if (minimum.is_met()) continue;
        std::printf("too little happened: %s: %llu, at least %llu expected\n",
                    std::string(minimum.what).c_str(),
                    static_cast<unsigned long long>(minimum.counted),
                    static_cast<unsigned long long>(minimum.least));
    }
    std::printf("trace hash %s\n%s\n", report.trace_hash.c_str(), name_of(report.outcome));
}

void print_json(const Command& command, const RunReport& report, double real_s) {
    const auto number = [](std::uint64_t count) {
        return json::Value(static_cast<std::int64_t>(count));
    };
    json::Array disagreements;
    for (const std::string& what : report.convergence.disagreements)
        disagreements.emplace_back(what);
    const json::Object object{
        {"breaches", number(report.soundness.breach_count)},
        {"build", kBuildId},
        {"deliveries", number(report.deliveries)},
        {"disagreements", std::move(disagreements)},
        {"dispatches", number(report.dispatches)},
        {"draws", number(report.draws)},
        {"events_compared", number(report.convergence.events_compared)},
        {"events_rejected", number(report.counters.events_rejected)},
        {"events_sent", number(report.counters.events_sent)},
        {"events_soft_failed", number(report.counters.events_soft_failed)},
        {"messages", number(report.messages)},
        {"operations", number(report.operations.operations)},
        {"operations_failed", number(report.operations.failed)},
        {"operations_refused", number(report.operations.refused)},
        {"operations_unreachable", number(report.operations.unreachable)},
        {"outcome", name_of(report.outcome)},
        {"pairs_compared", number(report.convergence.pairs_compared)},
        {"pairs_estranged", number(report.convergence.pairs_estranged)},
        {"real_ms", static_cast<std::int64_t>(real_s * 1000)},
        {"resolutions", number(report.counters.resolutions)},
        {"resolutions_by_mainline", number(report.counters.resolutions_by_mainline)},
        {"resolutions_with_conflict", number(report.counters.resolutions_with_conflict)},
        {"seed", std::to_string(command.run.cluster.seed)},
        {"servers", command.run.cluster.servers},
        {"trace_hash", report.trace_hash},
        {"virtual_ms", report.virtual_us / 1000},
    };
    std::printf("%s\n", json::write(object).c_str());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::string_view(argv[1]) == "live") return start_live(argc, argv);
    const auto parsed = parse_command_line(argc, argv);
    if (const int* exit_code = std::get_if<int>(&parsed)) return *exit_code;
    const Command& command = std::get<Command>(parsed);

    const auto start = std::chrono::steady_clock::now();
    const auto report = run(command.run);
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
