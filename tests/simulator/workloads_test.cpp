// Workloads: each is sound as data, passes on correct servers and leaves the others alone.

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "simulator/run.h"
#include "simulator/scenario/draw.h"
#include "simulator/scenario/scenario_file.h"
#include "simulator/workloads/workload.h"

namespace matrix::simulator {
namespace {

DrawOptions draw_of(std::vector<std::string> workloads, std::uint64_t seed) {
    DrawOptions options;
    options.servers = 4;
    options.seed = seed;
    options.chaos_ms = 240'000;
    options.workload.pause_ms_max = 10'000;
    options.workloads = std::move(workloads);
    return options;
}

std::string findings_of(const RunReport& report) {
    std::string text = report.stuck_in;
    for (const Finding& finding : report.findings)
        text += finding.checker + ": " + finding.what + "\n";
    for (const Minimum& minimum : report.minima) {
        if (!minimum.is_met()) text += minimum.what + " is " + std::to_string(minimum.counted);
    }
    return text;
}

class WorkloadTest : public testing::TestWithParam<std::string> {};

TEST_P(WorkloadTest, IsSoundAsData) {
    for (const std::uint64_t seed : {1, 2, 3}) {
        const Scenario scenario = draw_scenario(draw_of({GetParam()}, seed));
        EXPECT_FALSE(find_fault_of(scenario)) << *find_fault_of(scenario);
        const auto parsed = parse_scenario(write_scenario(scenario), "drawn");
        ASSERT_TRUE(parsed.has_value()) << parsed.error();
        EXPECT_EQ(*parsed, scenario);
    }
}

TEST_P(WorkloadTest, IsSoundInTheSmallestWorld) {
    DrawOptions options = draw_of({GetParam()}, 1);
    options.servers = 1;
    options.users_per_server = 1;
    options.chaos_ms = 1'000;
    options.workload.room_versions = {"1"};
    const Scenario scenario = draw_scenario(options);

    EXPECT_FALSE(find_fault_of(scenario)) << *find_fault_of(scenario);
    EXPECT_TRUE(run(scenario).has_value());
}

TEST_P(WorkloadTest, PassesOnCorrectServers) {
    const auto report = run(draw_scenario(draw_of({GetParam()}, 5)));
    ASSERT_TRUE(report);

    EXPECT_EQ(report->outcome, Outcome::Passed) << findings_of(*report);
}

TEST_P(WorkloadTest, IsInconclusiveWhenNothingOfItHappens) {
    Scenario scenario = draw_scenario(draw_of({GetParam()}, 5));
    scenario.timeline.clear();
    const auto report = run(scenario);
    ASSERT_TRUE(report);

    EXPECT_EQ(report->outcome, Outcome::Inconclusive) << findings_of(*report);
}

TEST_P(WorkloadTest, ChangesNoOther) {
    const std::string other = GetParam() == "busy_clients" ? "moderation" : "busy_clients";
    const Scenario alone = draw_scenario(draw_of({other}, 3));
    const Scenario both = draw_scenario(draw_of({GetParam(), other}, 3));

    for (const Step& step : alone.timeline) {
        if (step.verb == "intrude") continue;  // It may be about any room.
        EXPECT_NE(std::ranges::find(both.timeline, step), both.timeline.end()) << step.verb;
    }
    EXPECT_GT(both.timeline.size(), alone.timeline.size());
}

std::vector<std::string> list_workloads() {
    std::vector<std::string> names;
    for (const Workload& workload : all_workloads())
        names.emplace_back(workload.name);
    return names;
}

INSTANTIATE_TEST_SUITE_P(All,
                         WorkloadTest,
                         testing::ValuesIn(list_workloads()),
                         [](const auto& param) { return param.param; });

TEST(Workloads, ASwarmChoosesEachAtTimesAndOneAtLeast) {
    std::map<std::string, int> chosen;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        DrawOptions options = draw_of({}, seed);
        options.is_swarm = true;
        options.chaos_ms = 1'000;
        const std::string description = draw_scenario(options).description;
        int count = 0;
        for (const std::string& name : list_workloads()) {
            const bool is_chosen = ("," + description).find(name) != std::string::npos;
            chosen[name] += is_chosen;
            count += is_chosen;
        }
        EXPECT_GE(count, 1) << description;
    }
    for (const std::string& name : list_workloads())
        EXPECT_GT(chosen[name], 10) << name;
}

TEST(Workloads, ASwarmLeavesOutWhatNoRoomVersionHas) {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        DrawOptions options = draw_of({}, seed);
        options.is_swarm = true;
        options.chaos_ms = 1'000;
        options.workload.room_versions = {"6"};
        EXPECT_EQ(draw_scenario(options).description.find("knocking"), std::string::npos);
    }
}

}  // namespace
}  // namespace matrix::simulator
