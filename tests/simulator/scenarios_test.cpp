// The regression scenarios: each passes, alike in every run, and not because nothing happened.

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "simulator/run.h"
#include "simulator/scenario/scenario_file.h"

namespace matrix::simulator {
namespace {

const std::filesystem::path kFolder = "simulator/scenarios";
constexpr std::size_t kScenariosLeast = 20;

std::vector<std::string> list_scenarios() {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(kFolder, error)) {
        if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem());
    }
    std::ranges::sort(names);
    return names;
}

class RegressionScenario : public testing::TestWithParam<std::string> {};

TEST_P(RegressionScenario, PassesAlikeInEveryRun) {
    const auto scenario = read_scenario(kFolder / (GetParam() + ".yaml"));
    ASSERT_TRUE(scenario) << scenario.error();
    EXPECT_EQ(scenario->name, GetParam());
    EXPECT_FALSE(scenario->description.empty());

    const auto first = run(*scenario);
    const auto second = run(*scenario);

    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->outcome, Outcome::Passed) << first->stuck_in;
    for (const Finding& finding : first->findings)
        ADD_FAILURE() << finding.checker << ": " << finding.what;
    EXPECT_EQ(first->trace_hash, second->trace_hash);
    EXPECT_GE(first->metric("operations"), scenario->timeline.size() / 4);
    EXPECT_EQ(first->metric("steps_skipped"), 0u);
}

INSTANTIATE_TEST_SUITE_P(All, RegressionScenario, testing::ValuesIn(list_scenarios()));

TEST(RegressionScenarios, AreTwentyAtLeast) {
    EXPECT_GE(list_scenarios().size(), kScenariosLeast);
}

}  // namespace
}  // namespace matrix::simulator
