// Whole runs: servers converge, a seed decides everything, and the checks can fail.

#include "simulator/run.h"

#include <string>

#include <gtest/gtest.h>

namespace matrix::simulator {
namespace {

RunOptions small_run(std::uint64_t seed) {
    RunOptions options;
    options.cluster.servers = 4;
    options.cluster.seed = seed;
    options.workload.chaos_us = 300'000'000;
    options.workload.pause_us_max = 10'000'000;
    return options;
}

RunReport report_of(const RunOptions& options) {
    auto report = run(options);
    EXPECT_TRUE(report.has_value());
    return *report;
}

std::string explanation(const RunReport& report) {
    std::string text;
    for (const std::string& what : report.convergence.disagreements)
        text += what + "\n";
    for (const std::string& what : report.soundness.breaches)
        text += what + "\n";
    for (const std::string& what : report.operations.failures)
        text += what + "\n";
    for (const Minimum& minimum : report.minima) {
        text += std::string(minimum.what) + ": " + std::to_string(minimum.counted) + " of " +
                std::to_string(minimum.least) + "\n";
    }
    return text;
}

TEST(Run, ServersAgreeAfterASplit) {
    RunOptions options;
    options.cluster.seed = 7;
    const RunReport report = report_of(options);

    EXPECT_EQ(report.outcome, Outcome::Passed) << explanation(report);
    EXPECT_GT(report.convergence.events_compared, 100u);
    EXPECT_GT(report.soundness.states, 1000u);
}

TEST(Run, TheSameSeedGivesTheSameHash) {
    EXPECT_EQ(report_of(small_run(3)).trace_hash, report_of(small_run(3)).trace_hash);
}

TEST(Run, AnotherSeedGivesAnotherHash) {
    EXPECT_NE(report_of(small_run(3)).trace_hash, report_of(small_run(4)).trace_hash);
}

TEST(Run, RealSignaturesGiveTheSameHash) {
    RunOptions real = small_run(5);
    real.cluster.crypto = Crypto::Real;

    EXPECT_EQ(report_of(small_run(5)).trace_hash, report_of(real).trace_hash);
}

TEST(Run, LoggingDoesNotChangeTheHash) {
    RunOptions loud = small_run(6);
    loud.cluster.log_level = runtime::LogLevel::Debug;

    EXPECT_EQ(report_of(small_run(6)).trace_hash, report_of(loud).trace_hash);
}

TEST(Run, TooLittleIsVacuous) {
    RunOptions idle = small_run(3);
    idle.cluster.servers = 2;
    idle.workload.chaos_us = 1'000'000;
    idle.workload.pause_us_max = 1'000'000;

    EXPECT_EQ(report_of(idle).outcome, Outcome::Vacuous);
}

}  // namespace
}  // namespace matrix::simulator
