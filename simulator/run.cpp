#include "simulator/run.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/engine/counters.h"
#include "refserver/engine/http_api.h"
#include "refserver/protocol/base64.h"
#include "refserver/protocol/room_rules.h"
#include "simulator/checkers/checkers.h"
#include "simulator/planted/planted_bug.h"
#include "simulator/reachability.h"
#include "simulator/sandbox.h"
#include "simulator/scenario/scenario_file.h"
#include "simulator/world.h"

namespace matrix::simulator {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kHourUs = 3600 * kSecondUs;
constexpr int kSettleRounds = 3;
constexpr std::int64_t kSettlePauseS = 2;

ClusterOptions cluster_options_of(const Scenario& scenario,
                                  const RunOptions& options,
                                  std::ostream* trace_lines,
                                  Saboteur* saboteur,
                                  const Wiretap& wiretap) {
    return {.servers = scenario.servers,
            .users_per_server = scenario.users_per_server,
            .identity_seed = scenario.identity_seed,
            .choices = {.seed = scenario.seed,
                        .replayed = scenario.choices,
                        .is_recording = options.is_recording},
            .crypto = options.crypto,
            .link = scenario.link,
            .log_level = options.log_level,
            .has_pointer_draw = options.has_pointer_draw,
            .trace_lines = trace_lines,
            .recorder = options.recorder,
            .saboteur = saboteur,
            .wiretap = &wiretap};
}

// The phases of a run, in their order; each is false when it did not end within its time.
class Phases {
public:
    Phases(World& world, const std::vector<Check*>& checks)
        : world_(world), cluster_(world.cluster()), checks_(checks) {}

    // Rooms are made and people join, one after the other, before anything goes wrong.
    bool set_up() {
        cluster_.tasks().start(make_rooms());
        return cluster_.run_until(kHourUs, [this] { return is_set_up_ && cluster_.is_quiet(); });
    }

    void run_timeline() {
        for (Check* check : checks_)
            check->begin(world_);
        const std::int64_t start_us = cluster_.time().now_us();
        const std::int64_t end_us = start_us + world_.scenario().chaos_ms * 1000;
        const std::vector<Step>& steps = world_.scenario().timeline;
        std::size_t next = 0;
        std::int64_t watch_us = start_us + kSecondUs;
        // Several steps may stand at the very end.
        while (cluster_.time().now_us() < end_us || next < steps.size()) {
            const bool has_step = next < steps.size();
            const std::int64_t step_us = has_step ? start_us + steps[next].at_ms * 1000 : end_us;
            cluster_.time().run_until(std::min({end_us, step_us, watch_us}));
            const std::int64_t now_us = cluster_.time().now_us();
            if (has_step && now_us == step_us) world_.begin(steps[next++]);
            if (now_us < watch_us) continue;
            for (Check* check : checks_)
                check->watch(world_);
            watch_us += kSecondUs;
        }
    }

    bool heal() {
        world_.end_faults();
        return cluster_.run_until(world_.scenario().chaos_ms * 1000 + kHourUs, [this] {
            return world_.open_steps() == 0 && cluster_.is_quiet();
        });
    }

    // Events that together follow everything before them: each server says something in each room.
    bool settle() {
        for (int round = 0; round < kSettleRounds; ++round) {
            if (!settle_once(round)) return false;
        }
        if (cluster_.count_unplaced() == 0) return true;
        // What waits for its place is tried again now and then; what nobody can give stays out. Who
        // learns only then that another server is in the room has sent it nothing so far.
        const auto has_nothing_unplaced = [this] { return cluster_.count_unplaced() == 0; };
        static_cast<void>(cluster_.run_until(kHourUs, has_nothing_unplaced));
        return settle_once(kSettleRounds);
    }

    // What checks have to ask, while nothing else happens.
    bool inquire() {
        cluster_.tasks().start(inquire_all());
        return cluster_.run_until(kHourUs, [this] { return is_inquired_; });
    }

private:
    bool settle_once(int round) {
        is_settled_ = false;
        cluster_.tasks().start(speak_everywhere(round));
        return cluster_.run_until(kHourUs, [this] { return is_settled_ && cluster_.is_quiet(); });
    }

    Task<void> inquire_all() {
        for (Check* check : checks_)
            co_await check->inquire(&world_);
        is_inquired_ = true;
    }

    Task<void> make_rooms() {
        for (const RoomPlan& plan : world_.scenario().rooms) {
            const User creator = world_.user(plan.creator);
            json::Object levels;
            for (const auto& [user, level] : plan.levels)
                levels.set(user, level);
            json::Object body{{"preset", plan.preset}, {"room_version", plan.version}};
            if (!plan.type.empty()) body.set("creation_content", json::Object{{"type", plan.type}});
            if (!levels.empty()) {
                body.set("power_level_content_override", json::Object{{"users", levels}});
            }
            const Answer created = co_await world_.call(
                creator, "POST", "/_matrix/client/v3/createRoom", std::move(body));
            const std::string* id = created.body.find_string("room_id");
            if (id == nullptr) {
                // Not of the checker "answers": a scenario may ask for a room that no rules allow.
                world_.findings().add("set_up",
                                      cluster_.time().now_us(),
                                      "createRoom " + plan.version + ": " +
                                          std::to_string(created.status) + " " +
                                          json::write(created.body));
                continue;
            }
            world_.add_room({plan.name, RoomId(*id), plan.version, creator});
            co_await join_members(&plan, creator, RoomId(*id));
        }
        is_set_up_ = true;
    }

    Task<void> join_members(const RoomPlan* plan, User creator, RoomId id) {
        for (const User& user : cluster_.users()) {
            if (user.id == creator.id) continue;
            if (plan->members &&
                std::ranges::find(*plan->members, user.id.text()) == plan->members->end()) {
                continue;
            }
            const std::string target = "/_matrix/client/v3/join/" +
                                       engine::percent_encode(id.view()) +
                                       "?via=" + engine::percent_encode(creator.id.server().view());
            co_await world_.call(user, "POST", target, json::Object{});
        }
    }

    Task<void> speak_everywhere(int round) {
        const std::size_t rooms = world_.rooms().size();
        for (std::size_t index = 0; index < rooms; ++index) {
            const RoomId room = world_.rooms()[index].id;
            for (int number = 0; number < cluster_.server_count(); ++number) {
                co_await speak(number, room, round);
                // One after the other: each has seen the one before it.
                co_await cluster_.clock().sleep(runtime::seconds(kSettlePauseS));
            }
        }
        is_settled_ = true;
    }

    // By the first user of the server who may, each round another one. Of a server whose users
    // others take for strangers in part, what those say stands for nobody (it is soft-failed) until
    // one of the rest speaks after them.
    Task<void> speak(int server, RoomId room, int round) {
        std::vector<User> speakers;
        std::ranges::copy_if(cluster_.users(), std::back_inserter(speakers), [&](const User& user) {
            return user.server == server;
        });
        if (speakers.empty()) co_return;
        std::ranges::rotate(speakers, speakers.begin() + round % static_cast<int>(speakers.size()));
        for (const User& user : speakers) {
            const std::string path = "/send/m.room.message/" + world_.next_transaction();
            const Answer sent =
                co_await world_.call(user,
                                     "PUT",
                                     room_path(room, path),
                                     json::Object{{"msgtype", "m.text"}, {"body", "settle"}});
            if (sent.is_ok()) co_return;
        }
    }

    World& world_;
    Cluster& cluster_;
    const std::vector<Check*>& checks_;
    bool is_set_up_ = false;
    bool is_settled_ = false;
    bool is_inquired_ = false;
};

// Empty when all phases ended, else the one that did not.
std::string run_phases(World& world, const std::vector<Check*>& checks) {
    Phases phases(world, checks);
    if (!phases.set_up()) return "set-up";
    phases.run_timeline();
    if (!phases.heal()) return "heal";
    if (!phases.settle()) return "settle";
    if (!phases.inquire()) return "inquiry";
    return "";
}

// A planted bug that works at times, before the checkers look.
class SabotageWatch final : public Check {
public:
    explicit SabotageWatch(Saboteur& saboteur) : saboteur_(saboteur) {}
    void watch(World& world) override { saboteur_.watch(world); }
    void conclude(World& world) override { saboteur_.watch(world); }

private:
    Saboteur& saboteur_;
};

/// What was so before the checkers gave their last word.
struct BeforeTheEnd {
    std::uint64_t findings = 0;
    bool is_stuck_excused = false;
};

// A server that has forgotten what it did may never come to rest with others. False: nobody has.
bool excuse_stuck(World& world, const std::string& phase) {
    bool is_excused = false;
    for (int number = 0; number < world.cluster().server_count(); ++number) {
        const auto excuse = world.find_excuse_of(number);
        if (!excuse) continue;
        world.excuse("stuck in " + phase + "; " + *excuse);
        is_excused = true;
    }
    return is_excused;
}

// What the servers hold in the end is part of the trace.
void note_final_state(World& world) {
    Cluster& cluster = world.cluster();
    for (int number = 0; number < cluster.server_count(); ++number) {
        for (const LivingRoom& living : world.rooms()) {
            if (!cluster.server(number).is_up()) continue;
            const auto room = cluster.server(number).engine().rooms().find(living.id);
            if (!room) continue;
            std::string detail = std::to_string(number) + " " + living.id.text() + " ";
            detail += encode_base64(view((*room)->current_state().root()));
            for (const EventId& extremity : (*room)->extremities())
                detail += extremity.text();
            cluster.trace().note("final", detail);
        }
    }
}

// What is in the databases now; after the hash is taken, for it reads them.
void record_kept(Cluster& cluster, Recorder& recorder) {
    constexpr std::int64_t kSlice = 1000;
    for (int number = 0; number < cluster.server_count(); ++number) {
        if (!cluster.server(number).is_up()) continue;
        storage::Audit audit(cluster.server(number).engine().turns().database());
        std::int64_t last = 0;
        for (auto rows = audit.list_events(last, kSlice); !rows.empty();
             rows = audit.list_events(last, kSlice)) {
            for (const storage::Audit::Event& row : rows)
                recorder.kept(number, row);
            last = rows.back().number;
        }
    }
}

void add_server_counters(Cluster& cluster, std::map<std::string, std::uint64_t>& metrics) {
    for (int number = 0; number < cluster.server_count(); ++number) {
        const engine::Counters counters = cluster.server(number).counters();
        for (const engine::NamedCounter& named : engine::kNamedCounters)
            metrics[std::string(named.name)] += counters.*named.count;
    }
}

// A metric that is absent did not happen.
void add_trouble_counts(Cluster& cluster, std::map<std::string, std::uint64_t>& metrics) {
    const auto add = [&](const char* name, std::uint64_t count) {
        if (count > 0) metrics[name] += count;
    };
    const TroubleCounts& troubles = cluster.network().counts();
    add("messages_lost", troubles.lost);
    add("messages_reset", troubles.reset);
    add("messages_duplicated", troubles.duplicated);
    add("messages_delayed", troubles.delayed);
    add("messages_slowed", troubles.slowed);
    add("messages_held", troubles.held);
    add("messages_answered_on_the_way", troubles.answered_on_the_way);
    add("connections_refused", troubles.refused);
    add("connections_broken_by_crashes", troubles.broken_by_crashes);
    add("dns_questions_failed", cluster.dns().failed_questions());
    for (int number = 0; number < cluster.server_count(); ++number) {
        const SimulatedServer& server = cluster.server(number);
        add("crashes", server.counts().crashes);
        add("restarts", server.counts().starts - 1);
        add("failed_starts", server.counts().failed_starts);
        add("ends_by_sync", server.counts().ends_by_sync);
        add("databases_given_up", server.counts().databases_given_up);
        add("clock_errors_seen", server.counts().wrong_times);
        add("servers_with_lost_data", server.lost_data() ? 1 : 0);
        const SimulatedDisk::CutCounts& cuts = server.disk().cut_counts();
        add("disk_operations_kept", cuts.kept);
        add("disk_operations_torn", cuts.torn);
        add("disk_operations_lost", cuts.lost);
    }
}

std::map<std::string, std::uint64_t> metrics_of(World& world) {
    std::map<std::string, std::uint64_t> metrics = world.metrics();
    add_server_counters(world.cluster(), metrics);
    add_trouble_counts(world.cluster(), metrics);
    const OperationCounts& counts = world.counts();
    metrics["operations"] = counts.operations;
    metrics["operations_refused"] = counts.refused;
    metrics["operations_unreachable"] = counts.unreachable;
    metrics["operations_failed"] = counts.failed;
    metrics["operations_failed_by_faults"] = counts.failed_by_faults;
    metrics["steps_skipped"] = counts.skipped;
    std::uint64_t byzantine = 0;
    for (const auto& host : world.byzantine_hosts())
        byzantine += host->sent();
    metrics["byzantine_transactions"] = byzantine;
    metrics["fault_points_fired"] = world.fault_points().firings();
    for (const auto& host : world.byzantine_hosts())
        if (host->lies_told() > 0) metrics["byzantine_lies_told"] += host->lies_told();
    const Trace& trace = world.cluster().trace();
    metrics["dispatches"] = trace.dispatches();
    metrics["draws"] = trace.draws();
    metrics["messages"] = trace.messages();
    return metrics;
}

// Servers that did not come to rest do not agree either: then only what was found before counts.
Outcome outcome_of(const RunReport& report, const BeforeTheEnd& before) {
    if (before.findings > 0) return Outcome::FailedCheck;
    if (!report.stuck_in.empty())
        return before.is_stuck_excused ? Outcome::Inconclusive : Outcome::Stuck;
    if (report.finding_count > 0) return Outcome::FailedCheck;
    if (!report.excuses.empty()) return Outcome::Inconclusive;
    const bool is_enough = std::ranges::all_of(report.minima, &Minimum::is_met);
    return is_enough ? Outcome::Passed : Outcome::Inconclusive;
}

}  // namespace

std::uint64_t RunReport::metric(std::string_view name) const {
    const auto place = metrics.find(std::string(name));
    return place == metrics.end() ? 0 : place->second;
}

std::optional<RunReport> run(const Scenario& scenario, const RunOptions& options) {
    forget_sometimes_marks();
    const PlantedBug* bug = find_planted_bug(options.plant);
    MATRIX_ASSERT(bug != nullptr || options.plant.empty());
    const std::unique_ptr<Saboteur> saboteur = bug == nullptr ? nullptr : bug->make();
    std::ofstream trace_file;
    if (options.trace_file) {
        trace_file.open(*options.trace_file);
        if (!trace_file.is_open()) return std::nullopt;
    }
    const Sandbox sandbox;
    Wiretap wiretap;
    Cluster cluster(cluster_options_of(
        scenario, options, options.trace_file ? &trace_file : nullptr, saboteur.get(), wiretap));
    if (options.dispatches != nullptr) cluster.trace().count_dispatches_at(*options.dispatches);
    cluster.trace().note("scenario", write_scenario(scenario));

    World world(scenario, cluster);
    std::vector<std::unique_ptr<Check>> own_checks;
    if (saboteur) own_checks.push_back(std::make_unique<SabotageWatch>(*saboteur));
    for (const Checker& checker : all_checkers())
        own_checks.push_back(checker.make());
    std::vector<Check*> checks;
    for (const auto& check : own_checks)
        checks.push_back(check.get());
    if (options.onlooker != nullptr) checks.push_back(options.onlooker);
    for (Check* check : checks)
        wiretap.add([&world, check](const Heard& heard) { return check->listen(world, heard); });

    RunReport report;
    report.stuck_in = run_phases(world, checks);
    BeforeTheEnd before{.findings = world.findings().count()};
    if (!report.stuck_in.empty()) before.is_stuck_excused = excuse_stuck(world, report.stuck_in);
    for (Check* check : checks)
        check->conclude(world);
    note_final_state(world);

    report.metrics = metrics_of(world);
    report.findings = world.findings().kept();
    report.finding_count = world.findings().count();
    report.excuses.assign(world.excuses().begin(), world.excuses().end());
    for (const auto& [what, least] : scenario.at_least)
        report.minima.push_back({what, least, report.metric(what)});
    report.outcome = outcome_of(report, before);
    report.virtual_us = cluster.time().now_us();
    report.trace_hash = cluster.trace().hash();
    report.choices = cluster.choices().recorded();
    report.reached = list_reached_names();
    if (options.recorder != nullptr) record_kept(cluster, *options.recorder);
    return report;
}

}  // namespace matrix::simulator
