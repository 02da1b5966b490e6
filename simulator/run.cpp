#include "simulator/run.h"

#include <algorithm>

#include "refserver/protocol/base64.h"
#include "refserver/protocol/room_rules.h"
#include "simulator/byzantine/intruder.h"

namespace matrix::simulator {
namespace {

constexpr std::uint64_t kIntrusionsMax = 50;
constexpr std::int64_t kIntrusionPauseMs = 15'000;

// Keeps intruding while the workload runs; the first room exists when rooms are known.
Task<void> keep_intruding(Cluster* cluster, Intruder* intruder, const PowerStruggle* workload) {
    runtime::Random& random = cluster->random("intruder");
    while (intruder->sent() < kIntrusionsMax) {
        co_await cluster->clock().sleep(runtime::milliseconds(kIntrusionPauseMs));
        if (workload->rooms().empty()) continue;
        const auto server =
            static_cast<int>(random.below(static_cast<std::uint64_t>(cluster->server_count())));
        intruder->intrude(server, workload->rooms()[random.below(workload->rooms().size())]);
    }
}

engine::Counters sum_counters(Cluster& cluster) {
    engine::Counters sum;
    for (int number = 0; number < cluster.server_count(); ++number)
        sum += cluster.server(number).engine().counters();
    return sum;
}

// A run without a split, or of one server, is not asked for conflicts.
std::vector<Minimum> minima_of(const RunOptions& options, const RunReport& report) {
    std::vector<Minimum> minima = {
        {"operations refused to clients", 1, report.operations.refused},
    };
    if (options.cluster.servers < 2) return minima;
    minima.push_back({"events accepted from other servers", 100, report.deliveries});
    minima.push_back({"EDUs taken from other servers", 1, report.counters.edus_received});
    if (options.has_intruder) {
        minima.push_back({"events rejected", 1, report.counters.events_rejected});
    }
    if (!options.workload.has_split) return minima;
    minima.push_back(
        {"resolutions with a conflict", 10, report.counters.resolutions_with_conflict});
    // Room version 1 has no mainline.
    const bool has_mainline =
        std::ranges::any_of(options.workload.room_versions, [](const std::string& version) {
            return find_room_rules(version)->state_resolution != StateResolution::V1;
        });
    if (has_mainline) {
        minima.push_back(
            {"resolutions decided by the mainline", 1, report.counters.resolutions_by_mainline});
    }
    minima.push_back({"events soft-failed", 1, report.counters.events_soft_failed});
    return minima;
}

Outcome outcome_of(const RunReport& report) {
    const bool has_breach = report.soundness.breach_count > 0;
    if (!report.convergence.disagreements.empty() || report.operations.failed > 0 || has_breach) {
        return Outcome::Disagreement;
    }
    for (const Minimum& minimum : report.minima) {
        if (!minimum.is_met()) return Outcome::Vacuous;
    }
    return Outcome::Passed;
}

// What the servers hold in the end is part of the trace.
void note_final_state(Cluster& cluster, const std::vector<RoomId>& rooms) {
    for (int number = 0; number < cluster.server_count(); ++number) {
        for (const RoomId& id : rooms) {
            const auto room = cluster.server(number).engine().rooms().find(id);
            if (!room) continue;
            std::string detail = std::to_string(number) + " " + id.text() + " ";
            detail += encode_base64(view((*room)->current_state().root()));
            for (const EventId& extremity : (*room)->extremities())
                detail += extremity.text();
            cluster.trace().note("final", detail);
        }
    }
}

}  // namespace

std::optional<RunReport> run(const RunOptions& options) {
    Cluster cluster(options.cluster);
    if (options.trace_file && !cluster.trace().write_to(*options.trace_file)) return std::nullopt;

    PowerStruggle workload(cluster, options.workload);
    std::optional<Intruder> intruder;
    if (options.has_intruder) {
        intruder.emplace(cluster);
        cluster.tasks().start(keep_intruding(&cluster, &*intruder, &workload));
    }
    RunReport report;
    const bool is_over = workload.run();
    report.convergence = check_convergence(cluster, workload.rooms());
    report.soundness = check_soundness(cluster);
    note_final_state(cluster, workload.rooms());

    report.operations = workload.counts();
    report.counters = sum_counters(cluster);
    report.deliveries = report.counters.events_received;
    report.intrusions = intruder ? intruder->sent() : 0;
    report.minima = minima_of(options, report);
    report.outcome = is_over ? outcome_of(report) : Outcome::Stuck;
    report.virtual_us = cluster.time().now_us();
    report.dispatches = cluster.trace().dispatches();
    report.draws = cluster.trace().draws();
    report.messages = cluster.trace().messages();
    report.trace_hash = cluster.trace().hash();
    return report;
}

}  // namespace matrix::simulator
