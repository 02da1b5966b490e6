// A whole server loses nothing that it acknowledged, whatever befalls its disk; and the test can
// fail: a disk that lies about its syncs does lose some.
#include "tests/crash/crashes.h"

#include <gtest/gtest.h>

namespace matrix::crash {
namespace {

CrashFigures run(Fault fault, std::uint64_t faults) {
    CrashFigures figures = run_crashes({.fault = fault, .faults = faults});
    for (const std::string& finding : figures.findings)
        ADD_FAILURE() << finding;
    return figures;
}

TEST(Crashes, PowerCutsLoseNothingThatWasAcknowledged) {
    const CrashFigures figures = run(Fault::PowerCut, 2000);
    EXPECT_GE(figures.faults, 2000U);
    EXPECT_GT(figures.acknowledged, 10'000U);
    EXPECT_GT(figures.while_opening, 50U);
    EXPECT_GT(figures.unsynced.torn, 100U);
}

TEST(Crashes, KillsLoseNothingThatWasAcknowledged) {
    EXPECT_GE(run(Fault::Kill, 1000).faults, 1000U);
}

TEST(Crashes, PowerCutsOnADiskThatLiesLoseSome) {
    const CrashFigures figures = run_crashes({.faults = 200, .disk_lies = true});
    EXPECT_FALSE(figures.findings.empty());
}

TEST(Crashes, AFullDiskIsAnErrorThatEnds) {
    const CrashFigures figures = run(Fault::FullDisk, 300);
    EXPECT_GT(figures.refused_full, 300U);
    EXPECT_EQ(figures.ends_by_sync, 0U);
}

TEST(Crashes, ABrokenDiskIsAnErrorOrTheEndOfTheProcess) {
    const CrashFigures figures = run(Fault::BrokenDisk, 300);
    EXPECT_GT(figures.refused_failed, 300U);
    EXPECT_GT(figures.ends_by_sync, 50U);
}

}  // namespace
}  // namespace matrix::crash
