// Each planted bug is caught by the checker that it names, and without it nothing is found.

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "simulator/checkers/checkers.h"
#include "simulator/planted/planted_bug.h"
#include "simulator/run.h"
#include "simulator/scenario/draw.h"

namespace matrix::simulator {
namespace {

constexpr std::uint64_t kSeedsMax = 12;

Scenario scenario_of(const PlantedBug& bug, std::uint64_t seed) {
    DrawOptions options;
    if (!bug.workload.empty()) options.workloads = {std::string(bug.workload)};
    options.servers = 5;
    options.seed = seed;
    options.chaos_ms = 300'000;
    options.workload.pause_ms_max = 10'000;
    if (!bug.workload.empty()) options.workloads = {std::string(bug.workload)};
    return draw_scenario(options);
}

bool has_finding_of(const RunReport& report, std::string_view checker) {
    return std::ranges::any_of(report.findings,
                               [&](const Finding& finding) { return finding.checker == checker; });
}

bool is_caught(const PlantedBug& bug, std::uint64_t seed) {
    const auto report = run(scenario_of(bug, seed), {.plant = std::string(bug.name)});
    return report && has_finding_of(*report, bug.caught_by);
}

// A crash ends the process, and a run that is stuck has no finding: the shrinker's test has those.
bool is_for_checkers(const PlantedBug& bug) {
    return bug.caught_by != "crash" && bug.caught_by != "stuck";
}

std::vector<PlantedBug> bugs_for_checkers() {
    std::vector<PlantedBug> bugs;
    std::ranges::copy_if(all_planted_bugs(), std::back_inserter(bugs), is_for_checkers);
    return bugs;
}

class Planted : public testing::TestWithParam<PlantedBug> {};

TEST_P(Planted, IsCaughtByTheCheckerThatItNames) {
    bool is_found = false;
    for (std::uint64_t seed = 1; seed <= kSeedsMax && !is_found; ++seed)
        is_found = is_caught(GetParam(), seed);
    EXPECT_TRUE(is_found) << GetParam().name << " by " << GetParam().caught_by;
}

INSTANTIATE_TEST_SUITE_P(Bugs,
                         Planted,
                         testing::ValuesIn(bugs_for_checkers()),
                         [](const auto& bug) {
                             std::string name(bug.param.name);
                             std::ranges::replace(name, '-', '_');
                             return name;
                         });

TEST(PlantedBugs, EachCheckerCatchesOne) {
    for (const Checker& checker : all_checkers()) {
        EXPECT_NE(std::ranges::find(all_planted_bugs(), checker.name, &PlantedBug::caught_by),
                  all_planted_bugs().end())
            << checker.name;
    }
}

}  // namespace
}  // namespace matrix::simulator
