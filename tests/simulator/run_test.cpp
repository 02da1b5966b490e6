// Whole runs: servers converge, a scenario decides everything, and the checks can fail.

#include "simulator/run.h"

#include <string>

#include <gtest/gtest.h>

#include "simulator/scenario/draw.h"

namespace matrix::simulator {
namespace {

DrawOptions small_draw(std::uint64_t seed) {
    DrawOptions options;
    options.servers = 4;
    options.seed = seed;
    options.chaos_ms = 300'000;
    options.workload.pause_ms_max = 10'000;
    return options;
}

RunReport report_of(const DrawOptions& draw, const RunOptions& options = {}) {
    auto report = run(draw_scenario(draw), options);
    EXPECT_TRUE(report.has_value());
    return *report;
}

std::string explanation(const RunReport& report) {
    std::string text;
    for (const Finding& finding : report.findings)
        text += finding.checker + ": " + finding.what + "\n";
    for (const Minimum& minimum : report.minima) {
        text += minimum.what + ": " + std::to_string(minimum.counted) + " of " +
                std::to_string(minimum.least) + "\n";
    }
    return text + report.stuck_in;
}

TEST(Run, ServersAgreeAfterASplit) {
    DrawOptions draw;
    draw.seed = 7;
    const RunReport report = report_of(draw);

    EXPECT_EQ(report.outcome, Outcome::Passed) << explanation(report);
    EXPECT_GT(report.metric("events_compared"), 100u);
    EXPECT_GT(report.metric("states_recomputed"), 1000u);
}

TEST(Run, TheSameSeedGivesTheSameHash) {
    EXPECT_EQ(report_of(small_draw(3)).trace_hash, report_of(small_draw(3)).trace_hash);
}

TEST(Run, WhatRanBeforeInTheProcessDoesNotChangeTheHash) {
    // gtest_discover_tests gives each test a process of its own: this run is the first of it.
    const std::string alone = report_of(small_draw(9)).trace_hash;
    for (const std::uint64_t seed : {10, 11, 12})
        report_of(small_draw(seed));
    EXPECT_EQ(report_of(small_draw(9)).trace_hash, alone);
}

TEST(Run, AnotherSeedGivesAnotherHash) {
    EXPECT_NE(report_of(small_draw(3)).trace_hash, report_of(small_draw(4)).trace_hash);
}

TEST(Run, RealSignaturesGiveTheSameHash) {
    EXPECT_EQ(report_of(small_draw(5)).trace_hash,
              report_of(small_draw(5), {.crypto = Crypto::Real}).trace_hash);
}

TEST(Run, LoggingDoesNotChangeTheHash) {
    EXPECT_EQ(report_of(small_draw(6)).trace_hash,
              report_of(small_draw(6), {.log_level = runtime::LogLevel::Debug}).trace_hash);
}

TEST(Run, RecordedChoicesTakeThePlaceOfTheSeed) {
    Scenario scenario = draw_scenario(small_draw(8));
    const auto drawn = run(scenario, {.is_recording = true});
    ASSERT_TRUE(drawn && !drawn->choices.empty());
    scenario.seed.reset();
    scenario.choices = drawn->choices;
    const auto replayed = run(scenario, {.is_recording = true});
    ASSERT_TRUE(replayed);

    EXPECT_EQ(replayed->choices, drawn->choices);
    EXPECT_EQ(replayed->virtual_us, drawn->virtual_us);
    EXPECT_EQ(replayed->metrics, drawn->metrics);
}

TEST(Run, WithoutChanceEverythingIsAsSimpleAsCanBe) {
    Scenario scenario = draw_scenario(small_draw(8));
    scenario.seed.reset();
    const auto report = run(scenario, {.is_recording = true});
    ASSERT_TRUE(report);
    for (const auto& [stream, decisions] : report->choices) {
        for (const std::uint64_t decision : decisions)
            EXPECT_EQ(decision, 0u) << stream;
    }
}

TEST(Run, StepsAtTheVeryEndAreAllBegun) {
    Scenario scenario = draw_scenario(small_draw(8));
    scenario.timeline.clear();
    const auto before = run(scenario);
    for (const std::string& user : {name_of_user(0, 0), name_of_user(1, 0), name_of_user(2, 0)}) {
        Step step{.at_ms = scenario.chaos_ms, .verb = "message", .arguments = {}};
        step.arguments.set("user", user);
        step.arguments.set("room", scenario.rooms.front().name);
        scenario.timeline.push_back(std::move(step));
    }
    const auto after = run(scenario);
    ASSERT_TRUE(before && after);

    EXPECT_EQ(after->metric("operations"), before->metric("operations") + 3);
}

TEST(Run, TooLittleIsInconclusive) {
    DrawOptions idle = small_draw(3);
    idle.servers = 2;
    idle.chaos_ms = 1'000;
    idle.workload.pause_ms_max = 1'000;

    EXPECT_EQ(report_of(idle).outcome, Outcome::Inconclusive);
}

}  // namespace
}  // namespace matrix::simulator
