// Faults that a seed may choose, and how it draws them.

#include <algorithm>
#include <array>
#include <utility>

#include "simulator/drawn_faults.h"
#include "simulator/faults/faults.h"

namespace matrix::simulator {
namespace {

// --- What draws share ----------------------------------------------------------------------------

constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::int64_t kHourMs = 60 * kMinuteMs;

/// From `least` to `most`; the simplest draw is the least.
std::int64_t between(runtime::Random& random, std::int64_t least, std::int64_t most) {
    if (most <= least) return least;
    return least +
           static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(most - least) + 1));
}

int draw_server(const Scenario& scenario, runtime::Random& random) {
    return static_cast<int>(random.below(static_cast<std::uint64_t>(scenario.servers)));
}

/// A step of a verb at some time, of which a quarter of the chaos is left.
Step draw_step(const Scenario& scenario, std::string_view verb, runtime::Random& random) {
    Step step{.at_ms = between(random, 0, scenario.chaos_ms * 3 / 4),
              .verb = std::string(verb),
              .arguments = {}};
    return step;
}

void set_duration(const Scenario& scenario,
                  Step& step,
                  std::int64_t most_ms,
                  runtime::Random& random) {
    const std::int64_t left_ms = std::max<std::int64_t>(scenario.chaos_ms - step.at_ms, 1);
    const std::int64_t for_ms = between(random, 1, std::min(most_ms, left_ms));
    step.arguments.set(kDurationParameter, for_ms);
}

void set_server(const Scenario& scenario, Step& step, runtime::Random& random) {
    step.arguments.set("server", name_of_server(draw_server(scenario, random)));
}

json::Array names_of(const std::vector<int>& servers) {
    json::Array names;
    for (const int server : servers)
        names.emplace_back(name_of_server(server));
    return names;
}

/// Half of the time everybody; else one server at least.
void set_hosts(const Scenario& scenario,
               Step& step,
               std::string_view parameter,
               runtime::Random& random) {
    if (random.below(2) == 0) return;
    std::vector<int> servers{draw_server(scenario, random)};
    for (int number = 0; number < scenario.servers; ++number) {
        if (number != servers.front() && random.below(4) == 3) servers.push_back(number);
    }
    step.arguments.set(parameter, names_of(servers));
}

void add(Scenario& scenario, Step step) {
    scenario.timeline.push_back(std::move(step));
}

// --- Links ---------------------------------------------------------------------------------------

// Two halves that a seed decides, neither empty.
std::pair<std::vector<int>, std::vector<int>> draw_halves(const Scenario& scenario,
                                                          runtime::Random& random) {
    std::pair<std::vector<int>, std::vector<int>> halves;
    for (int number = 0; number < scenario.servers; ++number) {
        const bool is_first = number == 0;
        const bool is_last = number == scenario.servers - 1;
        const bool is_second = random.below(2) == 1;
        (!is_first && (is_last || is_second) ? halves.second : halves.first).push_back(number);
    }
    return halves;
}

void set_groups(Step& step, const std::vector<std::vector<int>>& groups) {
    json::Array list;
    for (const std::vector<int>& group : groups)
        list.emplace_back(names_of(group));
    step.arguments.set("groups", std::move(list));
}

void draw_split(Scenario& scenario, runtime::Random& random) {
    if (scenario.servers < 2) return;
    Step step{.at_ms = scenario.chaos_ms / 3, .verb = "partition", .arguments = {}};
    auto [first, second] = draw_halves(scenario, random);
    set_groups(step, {first, second});
    step.arguments.set(kDurationParameter, scenario.chaos_ms / 3 + 1);
    add(scenario, std::move(step));
}

void draw_isolation(Scenario& scenario, runtime::Random& random) {
    if (scenario.servers < 2) return;
    const std::int64_t count = between(random, 1, 3);
    for (std::int64_t number = 0; number < count; ++number) {
        Step step = draw_step(scenario, "partition", random);
        const int alone = draw_server(scenario, random);
        std::vector<int> others;
        for (int server = 0; server < scenario.servers; ++server) {
            if (server != alone) others.push_back(server);
        }
        set_groups(step, {others, {alone}});
        set_duration(scenario, step, 5 * kMinuteMs, random);
        add(scenario, std::move(step));
    }
}

// One server sees both halves, or everybody sees two neighbours of a ring alone.
void draw_bridge(Scenario& scenario, runtime::Random& random) {
    if (scenario.servers < 3) return;
    Step step = draw_step(scenario, "partition", random);
    if (random.below(2) == 0) {
        auto [first, second] = draw_halves(scenario, random);
        first.push_back(second.back());
        set_groups(step, {first, second});
    } else {
        std::vector<std::vector<int>> pairs;
        for (int server = 0; server < scenario.servers; ++server)
            pairs.push_back({server, (server + 1) % scenario.servers});
        set_groups(step, pairs);
    }
    set_duration(scenario, step, 5 * kMinuteMs, random);
    add(scenario, std::move(step));
}

void draw_one_way(Scenario& scenario, runtime::Random& random) {
    if (scenario.servers < 2) return;
    Step step = draw_step(scenario, "one_way", random);
    const auto [first, second] = draw_halves(scenario, random);
    const bool is_turned = random.below(2) == 1;
    step.arguments.set("from", names_of(is_turned ? second : first));
    step.arguments.set("to", names_of(is_turned ? first : second));
    set_duration(scenario, step, 5 * kMinuteMs, random);
    add(scenario, std::move(step));
}

// Of links that are drawn, for up to `most_ms`.
Step draw_link_step(const Scenario& scenario,
                    std::string_view verb,
                    std::int64_t most_ms,
                    runtime::Random& random) {
    Step step = draw_step(scenario, verb, random);
    set_hosts(scenario, step, "from", random);
    set_hosts(scenario, step, "to", random);
    set_duration(scenario, step, most_ms, random);
    return step;
}

void draw_sometimes(Scenario& scenario, std::string_view verb, runtime::Random& random) {
    Step step = draw_link_step(scenario, verb, scenario.chaos_ms, random);
    step.arguments.set("one_in", between(random, 2, 50));
    add(scenario, std::move(step));
}

void draw_loss(Scenario& scenario, runtime::Random& random) {
    draw_sometimes(scenario, "loss", random);
}
void draw_resets(Scenario& scenario, runtime::Random& random) {
    draw_sometimes(scenario, "reset", random);
}
void draw_duplicates(Scenario& scenario, runtime::Random& random) {
    draw_sometimes(scenario, "duplicate", random);
}

void draw_reordering(Scenario& scenario, runtime::Random& random) {
    Step step = draw_link_step(scenario, "reorder", scenario.chaos_ms, random);
    step.arguments.set("one_in", between(random, 2, 10));
    step.arguments.set("by_ms", between(random, 100, 20'000));
    add(scenario, std::move(step));
}

void draw_latencies(Scenario& scenario, runtime::Random& random) {
    Step step = draw_link_step(scenario, "latency", scenario.chaos_ms, random);
    const auto shape = static_cast<std::size_t>(between(random, 0, kLatencyShapes.size() - 1));
    step.arguments.set("shape", std::string(kLatencyShapes[shape]));
    const std::int64_t least_ms = between(random, 0, 2000);
    step.arguments.set("least_ms", least_ms);
    step.arguments.set("most_ms", least_ms + between(random, 0, 3000));
    add(scenario, std::move(step));
}

void draw_clogs(Scenario& scenario, runtime::Random& random) {
    const std::int64_t count = between(random, 1, 3);
    for (std::int64_t number = 0; number < count; ++number)
        add(scenario, draw_link_step(scenario, "clog", 2 * kMinuteMs, random));
}

void draw_slow_bodies(Scenario& scenario, runtime::Random& random) {
    Step step = draw_link_step(scenario, "slow_bodies", 5 * kMinuteMs, random);
    step.arguments.set("bytes_per_s", between(random, 200, 20'000));
    add(scenario, std::move(step));
}

void draw_http_errors(Scenario& scenario, runtime::Random& random) {
    const std::int64_t count = between(random, 1, 3);
    for (std::int64_t number = 0; number < count; ++number) {
        Step step = draw_link_step(scenario, "http_errors", 5 * kMinuteMs, random);
        step.arguments.set("one_in", between(random, 1, 10));
        const auto status = static_cast<std::size_t>(between(random, 0, kProxyStatuses.size() - 1));
        step.arguments.set("status", std::string(kProxyStatuses[status]));
        if (status == 0) step.arguments.set("retry_after_ms", between(random, 0, kMinuteMs));
        add(scenario, std::move(step));
    }
}

// --- Names ---------------------------------------------------------------------------------------

void draw_name_failures(Scenario& scenario, runtime::Random& random) {
    struct Failure {
        std::string_view verb;
        std::string_view answer;
    };
    constexpr std::array kFailures = {Failure{"dns_failure", "no_answer"},
                                      Failure{"dns_failure", "no_such_name"},
                                      Failure{"well_known_failure", "no_answer"},
                                      Failure{"well_known_failure", "error"},
                                      Failure{"well_known_failure", "garbage"},
                                      Failure{"well_known_failure", "nowhere"},
                                      Failure{"certificate_failure", ""}};
    const std::int64_t count = between(random, 1, 3);
    for (std::int64_t number = 0; number < count; ++number) {
        const Failure& failure = kFailures[random.below(kFailures.size())];
        Step step = draw_step(scenario, failure.verb, random);
        step.arguments.set("servers", names_of({draw_server(scenario, random)}));
        if (!failure.answer.empty()) step.arguments.set("answer", std::string(failure.answer));
        set_duration(scenario, step, 5 * kMinuteMs, random);
        add(scenario, std::move(step));
    }
}

// --- Processes -----------------------------------------------------------------------------------

void draw_crashes(Scenario& scenario, runtime::Random& random) {
    const std::int64_t count = between(random, 1, 6);
    for (std::int64_t number = 0; number < count; ++number) {
        Step step = draw_step(scenario, "crash", random);
        set_server(scenario, step, random);
        step.arguments.set("after_turns", between(random, 0, 200));
        set_duration(scenario, step, kMinuteMs, random);
        add(scenario, std::move(step));
    }
}

void draw_power_cuts(Scenario& scenario, runtime::Random& random) {
    const std::int64_t count = between(random, 1, 6);
    for (std::int64_t number = 0; number < count; ++number) {
        Step step = draw_step(scenario, "power_cut", random);
        set_server(scenario, step, random);
        step.arguments.set("after_operations", between(random, 0, 300));
        set_duration(scenario, step, kMinuteMs, random);
        add(scenario, std::move(step));
    }
}

void draw_pauses(Scenario& scenario, runtime::Random& random) {
    const std::int64_t count = between(random, 1, 5);
    for (std::int64_t number = 0; number < count; ++number) {
        Step step = draw_step(scenario, "pause", random);
        set_server(scenario, step, random);
        set_duration(scenario, step, 2 * kMinuteMs, random);
        add(scenario, std::move(step));
    }
}

void draw_wiped_server(Scenario& scenario, runtime::Random& random) {
    Step step = draw_step(scenario, "wipe", random);
    set_server(scenario, step, random);
    set_duration(scenario, step, kMinuteMs, random);
    add(scenario, std::move(step));
}

void draw_old_backup(Scenario& scenario, runtime::Random& random) {
    Step restore = draw_step(scenario, "restore_backup", random);
    set_server(scenario, restore, random);
    set_duration(scenario, restore, kMinuteMs, random);
    Step backup{.at_ms = between(random, 0, restore.at_ms), .verb = "backup", .arguments = {}};
    backup.arguments.set("server", restore.text("server"));
    add(scenario, std::move(backup));
    add(scenario, std::move(restore));
}

void draw_upgrade(Scenario& scenario, runtime::Random& random) {
    Step step = draw_step(scenario, "upgrade", random);
    set_server(scenario, step, random);
    set_duration(scenario, step, kMinuteMs, random);
    add(scenario, std::move(step));
}

// --- Disks ---------------------------------------------------------------------------------------

void draw_lying_disk(Scenario& scenario, runtime::Random& random) {
    Step lie = draw_step(scenario, "lost_fsync", random);
    set_server(scenario, lie, random);
    set_duration(scenario, lie, 5 * kMinuteMs, random);
    Step cut{.at_ms = lie.at_ms + between(random, 0, lie.integer(kDurationParameter) - 1),
             .verb = "power_cut",
             .arguments = {}};
    cut.arguments.set("server", lie.text("server"));
    set_duration(scenario, cut, kMinuteMs, random);
    add(scenario, std::move(lie));
    add(scenario, std::move(cut));
}

void draw_full_disk(Scenario& scenario, runtime::Random& random) {
    Step step = draw_step(scenario, "disk_full", random);
    set_server(scenario, step, random);
    set_duration(scenario, step, 2 * kMinuteMs, random);
    add(scenario, std::move(step));
}

void draw_disk_errors(Scenario& scenario, runtime::Random& random) {
    const std::int64_t count = between(random, 1, 3);
    for (std::int64_t number = 0; number < count; ++number) {
        Step step = draw_step(scenario, "disk_error", random);
        set_server(scenario, step, random);
        step.arguments.set("what", random.below(2) == 0 ? "changes" : "everything");
        set_duration(scenario, step, kMinuteMs, random);
        add(scenario, std::move(step));
    }
}

// --- Clocks --------------------------------------------------------------------------------------

// Keys of servers are good for a day, and signatures of clocks that are further ahead are refused
// for good: what a run may demand has to stay below that.
void draw_wrong_clocks(Scenario& scenario, runtime::Random& random) {
    const std::int64_t count = between(random, 1, 4);
    for (std::int64_t number = 0; number < count; ++number) {
        const bool is_drift = random.below(3) == 2;
        Step step = draw_step(scenario, is_drift ? "clock_drift" : "clock_skew", random);
        set_server(scenario, step, random);
        const std::int64_t most = is_drift ? 200'000 : random.below(2) == 0 ? kMinuteMs : kHourMs;
        const std::int64_t by = between(random, 1, most);
        step.arguments.set(is_drift ? "by_ppm" : "by_ms", random.below(2) == 0 ? by : -by);
        set_duration(scenario, step, scenario.chaos_ms, random);
        add(scenario, std::move(step));
    }
}

// --- Keys ----------------------------------------------------------------------------------------

void draw_new_keys(Scenario& scenario, runtime::Random& random) {
    const std::int64_t count = between(random, 1, 3);
    for (std::int64_t number = 0; number < count; ++number) {
        Step step = draw_step(scenario, "rotate_key", random);
        set_server(scenario, step, random);
        add(scenario, std::move(step));
    }
}

// --- What the servers may do themselves ----------------------------------------------------------

// Each point with a chance of one in four, for the whole of the chaos.
void draw_fault_points(Scenario& scenario, runtime::Random& random) {
    constexpr std::uint64_t kPointsOneIn = 4;
    constexpr std::uint64_t kFiresOneInMost = 8;
    for (const std::string_view point : list_fault_points()) {
        const bool is_used = random.below(kPointsOneIn) == 0;
        const auto one_in = static_cast<std::int64_t>(2 + random.below(kFiresOneInMost - 1));
        if (!is_used) continue;
        Step step{.at_ms = 0, .verb = "fault_point", .arguments = {}};
        step.arguments.set("point", point);
        step.arguments.set("one_in", one_in);
        step.arguments.set(kDurationParameter, scenario.chaos_ms);
        scenario.timeline.push_back(std::move(step));
    }
}

constexpr std::array kFaultDisturbances = {
    Disturbance{"split", "Two halves do not reach each other in the middle third.", 50, draw_split},
    Disturbance{
        "isolation", "One server is cut off for up to 5 min, 1 to 3 times.", 20, draw_isolation},
    Disturbance{"bridge",
                "Halves with one server between them, or a ring, for up to 5 min.",
                15,
                draw_bridge},
    Disturbance{"one_way", "One half does not hear the other, for up to 5 min.", 20, draw_one_way},
    Disturbance{"loss", "Once in 2 to 50 messages.", 25, draw_loss},
    Disturbance{"resets", "Once in 2 to 50 messages.", 25, draw_resets},
    Disturbance{"duplicates", "Once in 2 to 50 requests.", 30, draw_duplicates},
    Disturbance{
        "reordering", "Once in 2 to 10 messages, by up to 0.1 to 20 s.", 30, draw_reordering},
    Disturbance{
        "latencies", "Of any shape, from 0 to 2 s, and up to 3 s more.", 25, draw_latencies},
    Disturbance{"clogs", "Links that hold messages for up to 2 min, 1 to 3 times.", 20, draw_clogs},
    Disturbance{
        "slow_bodies", "From 200 to 20,000 bytes a second, for up to 5 min.", 15, draw_slow_bodies},
    Disturbance{"http_errors",
                "429 or 5xx once in 1 to 10 requests, for up to 5 min, 1 to 3 times.",
                25,
                draw_http_errors},
    Disturbance{"name_failures",
                "DNS, well-known documents or certificates for up to 5 min, 1 to 3 times.",
                20,
                draw_name_failures},
    Disturbance{"crashes",
                "A process, after 0 to 200 turns, for up to 1 min, 1 to 6 times.",
                35,
                draw_crashes},
    Disturbance{"power_cuts",
                "Within 300 operations of a disk, for up to 1 min, 1 to 6 times.",
                30,
                draw_power_cuts},
    Disturbance{"pauses", "A server stands still for up to 2 min, 1 to 5 times.", 25, draw_pauses},
    Disturbance{"wiped_server", "One server loses everything, once.", 5, draw_wiped_server},
    Disturbance{"old_backup", "One server goes back to an earlier disk, once.", 5, draw_old_backup},
    Disturbance{"upgrade", "Of one server, from the release before, once.", 15, draw_upgrade},
    Disturbance{"lying_disk", "Power fails while syncs do nothing, once.", 5, draw_lying_disk},
    Disturbance{"full_disk", "One server's, for up to 2 min.", 15, draw_full_disk},
    Disturbance{"disk_errors",
                "Of changes or of all operations, for up to 1 min, 1 to 3 times.",
                15,
                draw_disk_errors},
    Disturbance{"wrong_clocks",
                "By up to 1 min or 1 h, or 20 % too fast or slow, 1 to 4 times.",
                25,
                draw_wrong_clocks},
    Disturbance{"new_keys", "A server signs with another key, 1 to 3 times.", 20, draw_new_keys},
    Disturbance{"fault-points",
                "A quarter of the servers' fault points fire, once in 2 to 8 times.",
                30,
                draw_fault_points},
};

}  // namespace

std::span<const Disturbance> fault_disturbances() {
    return kFaultDisturbances;
}

}  // namespace matrix::simulator
