// Each fault of a scenario changes something that can be counted, and passes with it. One that
// changes nothing is no fault.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

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
    std::string text(name_of(report.outcome));
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
    EXPECT_EQ(report.metric("events_received"), report_with(quiet_scenario()).metric("events_received"));
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

}  // namespace
}  // namespace matrix::simulator
