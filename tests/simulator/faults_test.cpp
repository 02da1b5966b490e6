// Each fault of a scenario changes something that can be counted, and passes with it. One that
// changes nothing is no fault.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "simulator/commands/exit_code.h"
#include "simulator/run.h"
#include "simulator/scenario/scenario_file.h"

namespace matrix::simulator {
namespace {

constexpr std::int64_t kChaosMs = 90'000;
constexpr std::int64_t kTalkEveryMs = 700;

Step step_of(std::int64_t at_ms, std::string verb, json::Object arguments) {
    return {.at_ms = at_ms, .verb = std::move(verb), .arguments = std::move(arguments)};
}

// Three servers whose users talk in one room all the time, without any chance.
Scenario quiet_scenario() {
    Scenario scenario;
    scenario.servers = 3;
    scenario.users_per_server = 1;
    scenario.identity_seed = 5;
    scenario.link.latency_us_min = 20'000;
    scenario.chaos_ms = kChaosMs;
    scenario.rooms = {{.name = "room", .version = "11", .creator = name_of_user(0, 0)}};
    int speaker = 0;
    for (std::int64_t at_ms = 100; at_ms < kChaosMs; at_ms += kTalkEveryMs) {
        const std::string user = name_of_user(speaker++ % scenario.servers, 0);
        scenario.timeline.push_back(step_of(at_ms, "message", {{"room", "room"}, {"user", user}}));
    }
    return scenario;
}

Scenario with_steps(std::vector<Step> steps) {
    Scenario scenario = quiet_scenario();
    for (Step& step : steps)
        scenario.timeline.push_back(std::move(step));
    sort_timeline(scenario);
    return scenario;
}

std::string story_of(const RunReport& report) {
    std::string text(name_of(exit_code_of(report.outcome)));
    for (const Finding& finding : report.findings)
        text += "\n" + finding.checker + ": " + finding.what;
    for (const std::string& excuse : report.excuses)
        text += "\nexcused: " + excuse;
    for (const auto& [name, count] : report.metrics)
        text += "\n  " + name + " " + std::to_string(count);
    return text + "\n" + report.stuck_in;
}

RunReport report_with(const Scenario& scenario) {
    const auto fault = find_fault_of(scenario);
    EXPECT_FALSE(fault) << *fault;
    const auto report = run(scenario);
    EXPECT_TRUE(report.has_value());
    return *report;
}

/// A run with these steps passes, and counts what the fault is to bring about.
RunReport check_fault(std::vector<Step> steps, const std::string& metric, std::uint64_t least = 1) {
    const RunReport report = report_with(with_steps(std::move(steps)));
    EXPECT_EQ(report.outcome, Outcome::Passed) << story_of(report);
    EXPECT_GE(report.metric(metric), least) << metric << ": " << story_of(report);
    return report;
}

const json::Array kFirst{"s0.test"};
const json::Array kOthers{"s1.test", "s2.test"};

TEST(Faults, NothingGoesWrongWithoutThem) {
    const RunReport report = report_with(quiet_scenario());
    EXPECT_EQ(report.outcome, Outcome::Passed) << story_of(report);
    for (const char* metric : {"messages_lost", "connections_refused", "crashes", "restarts"})
        EXPECT_EQ(report.metric(metric), 0u) << metric;
}

// --- Links ---------------------------------------------------------------------------------------

TEST(Faults, APartitionLosesMessages) {
    check_fault({step_of(5'000,
                         "partition",
                         {{"groups", json::Array{json::Value(kFirst), json::Value(kOthers)}},
                          {"for_ms", 20'000}})},
                "messages_lost",
                2);
}

TEST(Faults, ABridgeReachesBothSides) {
    const json::Array left{"s0.test", "s1.test"};
    const json::Array right{"s1.test", "s2.test"};
    check_fault({step_of(5'000,
                         "partition",
                         {{"groups", json::Array{json::Value(left), json::Value(right)}},
                          {"for_ms", 60'000}})},
                "messages_lost",
                2);
}

TEST(Faults, AOneWayPartitionLosesMessages) {
    check_fault(
        {step_of(5'000, "one_way", {{"from", kFirst}, {"to", kOthers}, {"for_ms", 20'000}})},
        "messages_lost",
        2);
}

TEST(Faults, LossLosesMessages) {
    check_fault({step_of(5'000, "loss", {{"one_in", 1}, {"for_ms", 10'000}})}, "messages_lost", 2);
}

TEST(Faults, AResetBreaksConnections) {
    check_fault(
        {step_of(5'000, "reset", {{"one_in", 1}, {"for_ms", 10'000}})}, "messages_reset", 2);
}

TEST(Faults, ADuplicatedTransactionIsTakenOnce) {
    const RunReport report =
        check_fault({step_of(5'000, "duplicate", {{"one_in", 1}, {"for_ms", 60'000}})},
                    "messages_duplicated",
                    50);
    EXPECT_EQ(report.metric("events_received"),
              report_with(quiet_scenario()).metric("events_received"));
}

TEST(Faults, ReorderingDelaysMessages) {
    Scenario scenario = with_steps(
        {step_of(1'000, "reorder", {{"one_in", 2}, {"by_ms", 10'000}, {"for_ms", kChaosMs}})});
    scenario.seed = 3;
    const RunReport report = report_with(scenario);
    EXPECT_EQ(report.outcome, Outcome::Passed) << story_of(report);
    EXPECT_GE(report.metric("messages_delayed"), 20u);
}

TEST(Faults, AClogHoldsMessagesAndFloodsLater) {
    check_fault(
        {step_of(5'000, "clog", {{"from", kFirst}, {"for_ms", 40'000}})}, "messages_held", 2);
}

TEST(Faults, SlowBodiesAreSlow) {
    check_fault({step_of(5'000, "slow_bodies", {{"bytes_per_s", 500}, {"for_ms", 40'000}})},
                "messages_slowed",
                10);
}

TEST(Faults, AnotherLatencyMakesFewerAndLargerTransactions) {
    const RunReport usual = report_with(quiet_scenario());
    const RunReport slow = check_fault({step_of(1'000,
                                                "latency",
                                                {{"shape", "constant"},
                                                 {"least_ms", 5'000},
                                                 {"most_ms", 5'000},
                                                 {"for_ms", kChaosMs}})},
                                       "events_received");
    EXPECT_LT(slow.metric("messages"), usual.metric("messages") / 2);
}

TEST(Faults, AProxyAnswersInPlaceOfAServer) {
    check_fault({step_of(5'000,
                         "http_errors",
                         {{"to", kFirst}, {"one_in", 1}, {"status", "502"}, {"for_ms", 10'000}})},
                "messages_answered_on_the_way",
                2);
}

TEST(Faults, AProxyAsksForAPause) {
    check_fault({step_of(5'000,
                         "http_errors",
                         {{"to", kFirst},
                          {"one_in", 1},
                          {"status", "429"},
                          {"retry_after_ms", 5'000},
                          {"for_ms", 10'000}})},
                "messages_answered_on_the_way",
                2);
}

// --- Names ---------------------------------------------------------------------------------------

// The names are looked up again when the server cannot be reached.
TEST(Faults, ADnsFailureHidesAServer) {
    check_fault({step_of(5'000, "crash", {{"server", "s1.test"}, {"for_ms", 20'000}}),
                 step_of(5'000,
                         "dns_failure",
                         {{"servers", kOthers}, {"answer", "no_such_name"}, {"for_ms", 30'000}})},
                "dns_questions_failed");
}

// The document is asked for again when an hour has passed.
TEST(Faults, AWellKnownDocumentThatLeadsNowhereIsBelieved) {
    Scenario scenario = with_steps(
        {step_of(0,
                 "well_known_failure",
                 {{"servers", kFirst}, {"answer", "nowhere"}, {"for_ms", 2 * 3'600'000}})});
    scenario.chaos_ms = 2 * 3'600'000;
    for (const std::int64_t at_ms : {4'000'000, 4'100'000, 5'000'000}) {
        scenario.timeline.push_back(
            step_of(at_ms, "message", {{"room", "room"}, {"user", name_of_user(1, 0)}}));
    }
    sort_timeline(scenario);
    const RunReport report = report_with(scenario);
    EXPECT_EQ(report.outcome, Outcome::Passed) << story_of(report);
    EXPECT_GE(report.metric("messages_answered_on_the_way"), 1u) << story_of(report);
}

TEST(Faults, ACertificateFailureRefusesConnections) {
    check_fault({step_of(5'000, "certificate_failure", {{"servers", kFirst}, {"for_ms", 20'000}})},
                "connections_refused",
                2);
}

// --- Processes -----------------------------------------------------------------------------------

TEST(Faults, ACrashedServerBeginsAgainWithWhatItHad) {
    const RunReport report = check_fault(
        {step_of(20'000, "crash", {{"server", "s0.test"}, {"for_ms", 10'000}})}, "crashes");
    EXPECT_EQ(report.metric("restarts"), 1u);
    EXPECT_GE(report.metric("connections_refused"), 1u);
    EXPECT_GE(report.metric("operations_unreachable"), 1u);
    EXPECT_EQ(report.metric("servers_with_lost_data"), 0u);
}

// Between a commit and its durability, and everywhere else: any turn may be the last.
TEST(Faults, ACrashAfterAnyTurnLosesNothing) {
    for (std::int64_t turns = 1; turns <= 25; ++turns) {
        SCOPED_TRACE(turns);
        check_fault({step_of(20'000,
                             "crash",
                             {{"server", "s0.test"}, {"after_turns", turns}, {"for_ms", 20'000}})},
                    "crashes");
    }
}

TEST(Faults, APowerCutAtAnyOperationLosesNothing) {
    std::uint64_t unsynced = 0;
    for (std::int64_t operation = 0; operation <= 25; ++operation) {
        SCOPED_TRACE(operation);
        Scenario scenario = with_steps(
            {step_of(20'000,
                     "power_cut",
                     {{"server", "s0.test"}, {"after_operations", operation}, {"for_ms", 5'000}})});
        scenario.seed = static_cast<std::uint64_t>(operation);
        const RunReport report = report_with(scenario);
        EXPECT_EQ(report.outcome, Outcome::Passed) << story_of(report);
        EXPECT_EQ(report.metric("crashes"), 1u);
        unsynced += report.metric("disk_operations_lost") + report.metric("disk_operations_torn");
    }
    EXPECT_GT(unsynced, 0u);
}

TEST(Faults, APausedServerAnswersLater) {
    const RunReport usual = report_with(quiet_scenario());
    const RunReport paused = check_fault(
        {step_of(5'000, "pause", {{"server", "s0.test"}, {"for_ms", 60'000}})}, "events_received");
    EXPECT_LT(paused.metric("messages"), usual.metric("messages"));
}

TEST(Faults, OverlappingCrashesHoldAServerDownUntilTheLastEnds) {
    const RunReport report =
        check_fault({step_of(20'000, "crash", {{"server", "s0.test"}, {"for_ms", 10'000}}),
                     step_of(25'000, "power_cut", {{"server", "s0.test"}, {"for_ms", 20'000}})},
                    "crashes");
    EXPECT_EQ(report.metric("crashes"), 1u);
    EXPECT_EQ(report.metric("restarts"), 1u);
}

TEST(Faults, OverlappingPartitionsEndOneByOne) {
    const json::Array second{"s1.test"};
    const json::Array rest{"s0.test", "s2.test"};
    check_fault({step_of(5'000,
                         "partition",
                         {{"groups", json::Array{json::Value(kFirst), json::Value(kOthers)}},
                          {"for_ms", 40'000}}),
                 step_of(10'000,
                         "partition",
                         {{"groups", json::Array{json::Value(second), json::Value(rest)}},
                          {"for_ms", 10'000}})},
                "messages_lost",
                4);
}

TEST(Faults, AWipedServerIsNotHeldToWhatItPromised) {
    const RunReport report = report_with(
        with_steps({step_of(20'000, "wipe", {{"server", "s1.test"}, {"for_ms", 5'000}})}));
    EXPECT_NE(report.outcome, Outcome::FailedCheck) << story_of(report);
    EXPECT_NE(report.outcome, Outcome::Stuck) << story_of(report);
    EXPECT_EQ(report.metric("servers_with_lost_data"), 1u);
}

TEST(Faults, ARestoredBackupIsNotHeldToWhatItPromised) {
    const RunReport report = report_with(with_steps(
        {step_of(20'000, "backup", {{"server", "s1.test"}}),
         step_of(40'000, "restore_backup", {{"server", "s1.test"}, {"for_ms", 5'000}})}));
    EXPECT_NE(report.outcome, Outcome::FailedCheck) << story_of(report);
    EXPECT_EQ(report.metric("servers_with_lost_data"), 1u);
    EXPECT_EQ(report.metric("restarts"), 1u);
}

TEST(Faults, AnUpgradedServerKeepsWhatTheReleaseBeforeHad) {
    const RunReport report =
        check_fault({step_of(40'000, "upgrade", {{"server", "s0.test"}, {"for_ms", 5'000}})},
                    "rows_of_older_releases",
                    100);
    EXPECT_EQ(report.metric("restarts"), 1u);
    EXPECT_EQ(report.metric("servers_with_lost_data"), 0u);
    EXPECT_EQ(report.metric("databases_given_up"), 0u);
}

// --- Disks ---------------------------------------------------------------------------------------

TEST(Faults, AFullDiskFailsOperations) {
    check_fault({step_of(20'000, "disk_full", {{"server", "s0.test"}, {"for_ms", 20'000}})},
                "operations_failed_by_faults");
}

TEST(Faults, AnIoErrorFailsOperations) {
    for (const char* what : {"changes", "everything"}) {
        SCOPED_TRACE(what);
        check_fault(
            {step_of(
                20'000, "disk_error", {{"server", "s0.test"}, {"what", what}, {"for_ms", 20'000}})},
            "operations_failed_by_faults");
    }
}

TEST(Faults, ALyingDiskMakesARunInconclusiveAtMost) {
    const RunReport report = report_with(
        with_steps({step_of(20'000, "lost_fsync", {{"server", "s0.test"}, {"for_ms", 30'000}}),
                    step_of(40'000, "power_cut", {{"server", "s0.test"}, {"for_ms", 5'000}})}));
    EXPECT_NE(report.outcome, Outcome::FailedCheck) << story_of(report);
    EXPECT_EQ(report.metric("servers_with_lost_data"), 1u);
    EXPECT_GT(report.metric("disk_operations_lost"), 100u) << story_of(report);
}

// --- Clocks --------------------------------------------------------------------------------------

TEST(Faults, AWrongClockShowsInEvents) {
    const RunReport usual = report_with(quiet_scenario());
    for (const std::int64_t by_ms : {-3'600'000, 3'600'000}) {
        SCOPED_TRACE(by_ms);
        const RunReport skewed =
            check_fault({step_of(5'000,
                                 "clock_skew",
                                 {{"server", "s0.test"}, {"by_ms", by_ms}, {"for_ms", 30'000}})},
                        "clock_errors_seen");
        EXPECT_NE(skewed.trace_hash, usual.trace_hash);
    }
    check_fault({step_of(5'000,
                         "clock_drift",
                         {{"server", "s0.test"}, {"by_ppm", 200'000}, {"for_ms", 60'000}})},
                "clock_errors_seen");
}

// --- Keys ----------------------------------------------------------------------------------------

TEST(Faults, ARotatedKeyIsFetchedAndTheOldOneStillVouches) {
    const RunReport usual = report_with(quiet_scenario());
    Scenario scenario = quiet_scenario();
    // Who joins later checks old events by the old key.
    scenario.rooms[0].members = {{name_of_user(0, 0), name_of_user(1, 0)}};
    scenario.timeline.push_back(step_of(30'000, "rotate_key", {{"server", "s0.test"}}));
    scenario.timeline.push_back(
        step_of(60'000, "join", {{"room", "room"}, {"user", name_of_user(2, 0)}}));
    sort_timeline(scenario);
    const RunReport report = report_with(scenario);
    EXPECT_EQ(report.outcome, Outcome::Passed) << story_of(report);
    EXPECT_EQ(report.metric("restarts"), 1u);
    EXPECT_GT(report.metric("key_fetches"), usual.metric("key_fetches") / 2 + 1);
    EXPECT_EQ(report.metric("pairs_compared"), 3u) << story_of(report);
}

TEST(Faults, AKeyThatExpiresIsFetchedAgain) {
    Scenario scenario = quiet_scenario();
    const std::int64_t later_ms = 30 * 3'600'000;
    scenario.chaos_ms = later_ms + kTalkEveryMs;
    scenario.timeline.push_back(
        step_of(later_ms, "message", {{"room", "room"}, {"user", name_of_user(0, 0)}}));
    const RunReport report = report_with(scenario);
    EXPECT_EQ(report.outcome, Outcome::Passed) << story_of(report);
    EXPECT_GT(report.metric("key_fetches"), report_with(quiet_scenario()).metric("key_fetches"));
}

// --- Byzantine hosts -----------------------------------------------------------------------------

/// Honest servers agree after the act, which a member of the room did.
RunReport check_act(std::string verb,
                    json::Object arguments,
                    const std::string& metric,
                    std::uint64_t least = 1) {
    arguments.set("host", "b0.test");
    arguments.set("server", "s1.test");
    arguments.set("room", "room");
    Scenario scenario = quiet_scenario();
    scenario.byzantine_hosts = 1;
    scenario.timeline.push_back(step_of(20'000, std::move(verb), std::move(arguments)));
    sort_timeline(scenario);
    const RunReport report = report_with(scenario);
    EXPECT_EQ(report.outcome, Outcome::Passed) << story_of(report);
    EXPECT_GE(report.metric(metric), least) << metric << ": " << story_of(report);
    return report;
}

TEST(Byzantine, AnEquivocationIsSeenByAll) {
    const RunReport report = check_act("equivocate", {{"other", "s2.test"}}, "byzantine_joins");
    const RunReport usual = report_with(quiet_scenario());
    // The join and both faces, on each of three servers.
    EXPECT_GE(report.metric("events_received"), usual.metric("events_received") + 9)
        << story_of(report);
}

TEST(Byzantine, AnEventWithoutItsPredecessorIsNotPlaced) {
    check_act("withhold", {}, "events_dropped");
}

TEST(Byzantine, AForkIsMerged) {
    const RunReport report = check_act("fork", {{"branches", 12}}, "byzantine_joins");
    const RunReport usual = report_with(quiet_scenario());
    EXPECT_GE(report.metric("events_received"), usual.metric("events_received") + 39);
}

TEST(Byzantine, EventsOfOtherTimesAndDepthsDoNoHarm) {
    for (const std::int64_t by_ms : {std::int64_t{-100'000'000'000}, std::int64_t{60'000}})
        check_act("misdate", {{"by_ms", by_ms}}, "byzantine_joins");
    for (const std::int64_t depth : {std::int64_t{0}, json::kIntegerMax})
        check_act("lie_about_depth", {{"depth", depth}}, "byzantine_joins");
}

TEST(Byzantine, BadAuthEventsAreRejectedOrDropped) {
    for (const char* fault : {"missing", "twice"})
        check_act("cite_badly", {{"fault", fault}}, "events_rejected");
    for (const char* fault : {"unknown", "cyclic"}) {
        const RunReport report = check_act("cite_badly", {{"fault", fault}}, "byzantine_joins");
        EXPECT_GE(report.metric("events_rejected") + report.metric("events_dropped"), 1u)
            << fault << ": " << story_of(report);
    }
}

TEST(Byzantine, ForgeriesAreDropped) {
    for (const char* fault : {"signature", "no_signature", "oversize"})
        check_act("forge", {{"fault", fault}}, "events_dropped");
    check_act("forge", {{"fault", "hash"}}, "byzantine_joins");
}

TEST(Byzantine, NobodySignsWhatItMustNot) {
    for (const char* bait :
         {"invite_of_power_levels", "invite_of_own_user", "join_of_message", "join_of_other_user"})
        check_act("ask_for_signature", {{"bait", bait}}, "signatures_asked_for");
}

TEST(Byzantine, AHostThatIsShutOutStaysOut) {
    check_act("evade_acl", {{"for_ms", 20'000}}, "acl_evasions_tried");
}

// The word of a liar may be all that there is: the run may be inconclusive, and nothing worse.
TEST(Byzantine, ALieAboutTheStateIsToldAndExcused) {
    for (const char* lie : {"empty", "garbage", "crown"}) {
        Scenario scenario = quiet_scenario();
        scenario.byzantine_hosts = 1;
        scenario.timeline.push_back(step_of(20'000,
                                            "lie_about_state",
                                            {{"host", "b0.test"},
                                             {"server", "s1.test"},
                                             {"room", "room"},
                                             {"lie", lie},
                                             {"for_ms", 20'000}}));
        sort_timeline(scenario);
        const RunReport report = report_with(scenario);
        EXPECT_NE(report.outcome, Outcome::FailedCheck) << story_of(report);
        EXPECT_NE(report.outcome, Outcome::Stuck) << story_of(report);
        EXPECT_GE(report.metric("byzantine_lies_told"), 1u) << story_of(report);
    }
}

TEST(Byzantine, StaleKeysKeepAHostOut) {
    Scenario scenario = quiet_scenario();
    scenario.byzantine_hosts = 1;
    scenario.timeline.push_back(
        step_of(1'000, "stale_keys", {{"host", "b0.test"}, {"for_ms", 60'000}}));
    scenario.timeline.push_back(
        step_of(2'000,
                "fork",
                {{"host", "b0.test"}, {"server", "s1.test"}, {"room", "room"}, {"branches", 2}}));
    sort_timeline(scenario);
    const RunReport report = report_with(scenario);
    EXPECT_EQ(report.outcome, Outcome::Passed) << story_of(report);
    EXPECT_EQ(report.metric("byzantine_joins"), 0u) << story_of(report);
}

}  // namespace
}  // namespace matrix::simulator
