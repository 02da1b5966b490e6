// Two runs of one scenario: what they say together.

#include "simulator/commands/double_run.h"

#include <string>

#include <gtest/gtest.h>

namespace matrix::simulator {
namespace {

RunResult ended(ExitCode code, const std::string& hash, std::uint64_t dispatches) {
    RunResult result{.code = code};
    result.report.trace_hash = hash;
    result.dispatches = dispatches;
    return result;
}

TEST(DoubleRun, TheSameTwiceIsTheFirstResult) {
    const RunResult run = ended(ExitCode::Passed, "ab", 7);
    const RunResult both = compare_runs(run, run);
    EXPECT_EQ(both.code, ExitCode::Passed);
    EXPECT_EQ(both.reason, "");
}

TEST(DoubleRun, AnotherHashIsNonDeterminism) {
    const RunResult both =
        compare_runs(ended(ExitCode::Passed, "ab", 7), ended(ExitCode::Passed, "cd", 7));
    EXPECT_EQ(both.code, ExitCode::NonDeterminism);
    EXPECT_EQ(both.reason, "two hashes: ab cd");
}

// A run that crashed has no hash, but it came so far.
TEST(DoubleRun, CrashesAtDifferentDispatchesAreNonDeterminism) {
    const RunResult both =
        compare_runs(ended(ExitCode::Crash, "", 7), ended(ExitCode::Crash, "", 8));
    EXPECT_EQ(both.code, ExitCode::NonDeterminism);
}

TEST(DoubleRun, ATimeOutIsNoOtherResult) {
    const RunResult both =
        compare_runs(ended(ExitCode::Passed, "ab", 7), ended(ExitCode::TimeOut, "", 3));
    EXPECT_EQ(both.code, ExitCode::TimeOut);
}

}  // namespace
}  // namespace matrix::simulator
