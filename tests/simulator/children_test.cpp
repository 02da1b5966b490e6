// Children: what they return, how they end, and that they do not outlast their time.

#include "simulator/commands/children.h"

#include <csignal>
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "refserver/base/assert.h"
#include "simulator/commands/child_run.h"

namespace matrix::simulator {
namespace {

using Clock = Children::Clock;

ChildEnd end_of(const Children::Run& run, std::chrono::milliseconds limit = std::chrono::hours(1)) {
    Children children(ChildErrors::Kept);
    EXPECT_TRUE(children.start(5, run, Clock::now() + limit));
    auto ended = children.wait(Clock::time_point::max());
    EXPECT_TRUE(ended && ended->job == 5);
    return std::move(ended->end);
}

TEST(Children, GiveBackWhatTheirFunctionReturns) {
    const std::string large(3'000'000, 'x');
    const ChildEnd end = end_of([&](std::uint64_t& counter) {
        counter = 7;
        return large;
    });
    EXPECT_EQ(end.how, ChildEnd::How::Answered);
    EXPECT_EQ(end.answer, large);
    EXPECT_EQ(end.counter, 7u);
}

TEST(Children, AnAssertionEndsTheChildAlone) {
    const ChildEnd end = end_of([](std::uint64_t& counter) {
        counter = 3;
        MATRIX_ASSERT(1 + 1 == 3);
        return std::string();
    });
    EXPECT_EQ(end.how, ChildEnd::How::Crashed);
    EXPECT_EQ(end.reason, "signal 6");
    EXPECT_THAT(end.last_words, testing::HasSubstr("assertion failed: 1 + 1 == 3"));
    EXPECT_EQ(end.counter, 3u);
    const RunResult result = result_of(end);
    EXPECT_EQ(result.code, ExitCode::Crash);
    EXPECT_THAT(result.reason, testing::EndsWith("assertion failed: 1 + 1 == 3"));
}

TEST(Children, AnExitIsNoAnswer) {
    const ChildEnd end = end_of([](std::uint64_t&) -> std::string { _exit(9); });
    EXPECT_EQ(end.how, ChildEnd::How::Crashed);
    EXPECT_EQ(end.reason, "exit code 9");
}

TEST(Children, AreKilledWhenTheirTimeIsOver) {
    const ChildEnd end = end_of(
        [](std::uint64_t&) -> std::string {
            while (true)
                pause();
        },
        std::chrono::milliseconds(50));
    EXPECT_EQ(end.how, ChildEnd::How::TimedOut);
    EXPECT_EQ(result_of(end).code, ExitCode::TimeOut);
}

TEST(Children, RunSeveralAtATime) {
    Children children(ChildErrors::Kept);
    for (std::size_t job = 0; job < 4; ++job) {
        ASSERT_TRUE(children.start(
            job,
            [job](std::uint64_t&) { return std::to_string(job); },
            Clock::now() + std::chrono::hours(1)));
    }
    std::size_t sum = 0;
    for (int i = 0; i < 4; ++i) {
        const auto ended = children.wait(Clock::time_point::max());
        ASSERT_TRUE(ended);
        EXPECT_EQ(ended->end.answer, std::to_string(ended->job));
        sum += ended->job;
    }
    EXPECT_EQ(sum, 6u);
    EXPECT_EQ(children.running(), 0u);
}

TEST(ExitCodes, OfSeveralRunsTheWorst) {
    using enum ExitCode;
    EXPECT_EQ(worst_of(Passed, FailedCheck), FailedCheck);
    EXPECT_EQ(worst_of(Crash, NonDeterminism), Crash);
    EXPECT_EQ(worst_of(Stuck, FailedCheck), FailedCheck);
    EXPECT_EQ(worst_of(Inconclusive, Passed), Passed);
    EXPECT_EQ(worst_of(Interrupted, Passed), Interrupted);
    EXPECT_EQ(name_of(TimeOut), "time-out");
    EXPECT_FALSE(is_failure(Inconclusive));
    EXPECT_TRUE(is_failure(Stuck));
}

TEST(ChildRun, AReportSurvivesThePipe) {
    RunReport report;
    report.outcome = Outcome::FailedCheck;
    report.trace_hash = "ab";
    report.virtual_us = 12;
    report.metrics = {{"deliveries", 3}};
    report.findings = {{"soundness", "a \"quoted\" thing", 4}};
    report.finding_count = 9;
    report.minima = {{"deliveries", 5, 3}};
    report.choices = {{"s0.test to s1.test", {1, ~std::uint64_t{0}}}};
    const auto parsed = parse_report(write_report(report));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(write_report(*parsed), write_report(report));
    EXPECT_EQ(parsed->choices, report.choices);
    EXPECT_FALSE(parse_report(write_report(std::nullopt)));
}

}  // namespace
}  // namespace matrix::simulator
