// The marks of the server, and its fault points in simulated runs.

#include "simulator/reachability.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulator/drawn_faults.h"
#include "simulator/run.h"
#include "simulator/scenario/draw.h"
#include "simulator/scenario/scenario_file.h"
#include "simulator/scenario/verbs.h"
#include "simulator/simulated_random.h"

namespace matrix::simulator {
namespace {

constexpr std::size_t kPlacesLeast = 150;
constexpr std::size_t kFaultPointsLeast = 12;

Scenario small_scenario(std::uint64_t seed) {
    DrawOptions options;
    options.servers = 4;
    options.seed = seed;
    options.chaos_ms = 240'000;
    options.workload.pause_ms_max = 10'000;
    return draw_scenario(options);
}

RunReport report_of(const Scenario& scenario) {
    auto report = run(scenario);
    EXPECT_TRUE(report.has_value());
    return *report;
}

bool is_of_the_server(const SometimesPlace& place) {
    const std::string_view file = place.file;
    return file.starts_with("refserver/protocol/") || file.starts_with("refserver/storage/") ||
           file.starts_with("refserver/engine/");
}

bool is_fault_point(std::string_view name) {
    return name.starts_with(runtime::kFaultPointPrefix);
}

TEST(Reachability, NoTwoPlacesHaveTheSameName) {
    std::map<std::string_view, int> places;
    for (const SometimesPlace& place : list_sometimes_places())
        EXPECT_EQ(++places[place.name], 1) << place.file << ":" << place.line << ": " << place.name;
}

TEST(Reachability, NamesAreSentencesInLowerCase) {
    for (const SometimesPlace& place : list_sometimes_places()) {
        EXPECT_GT(std::ranges::count(place.name, ' '), 1) << place.name;
        EXPECT_NE(place.name.back(), '.') << place.name;
        // A word of capitals, as ACL, may begin one.
        const bool is_word = place.name.size() > 1 && std::isupper(place.name[0]) != 0 &&
                             std::islower(place.name[1]) != 0;
        EXPECT_FALSE(is_word) << place.name;
    }
}

TEST(Reachability, TheServerHasMarksInEachOfItsParts) {
    std::set<std::string_view> folders;
    std::size_t count = 0;
    for (const SometimesPlace& place : list_sometimes_places()) {
        if (!is_of_the_server(place)) continue;
        ++count;
        folders.insert(place.file.substr(0, place.file.rfind('/')));
    }
    EXPECT_GE(count, kPlacesLeast);
    EXPECT_THAT(folders,
                testing::IsSupersetOf({"refserver/protocol",
                                       "refserver/storage",
                                       "refserver/engine/client",
                                       "refserver/engine/devices",
                                       "refserver/engine/ephemeral",
                                       "refserver/engine/federation",
                                       "refserver/engine/peers",
                                       "refserver/engine/rooms"}));
}

TEST(Reachability, ARunReachesTheSameMarksAgain) {
    const std::vector<std::string> reached = report_of(small_scenario(3)).reached;
    EXPECT_THAT(reached, testing::IsSupersetOf({"a received event is soft-failed"}));
    const std::size_t unreached = list_unreached_places(reached).size();
    EXPECT_EQ(reached.size() + unreached, list_sometimes_places().size());

    SIM_SOMETIMES("a test passes by between two runs");
    EXPECT_EQ(report_of(small_scenario(3)).reached, reached);
}

TEST(Reachability, UnreachedPlacesAreThoseThatNoRunNames) {
    const auto all = list_sometimes_places();
    ASSERT_GT(all.size(), 2u);
    std::vector<std::string> reached;
    for (const SometimesPlace& place : all)
        reached.emplace_back(place.name);
    EXPECT_TRUE(list_unreached_places(reached).empty());

    reached.pop_back();
    const auto unreached = list_unreached_places(reached);
    ASSERT_EQ(unreached.size(), 1u);
    EXPECT_EQ(unreached.front().name, all.back().name);
    const json::Array written = write_places(unreached);
    ASSERT_EQ(written.size(), 1u);
    EXPECT_EQ(*written[0].find_string("name"), all.back().name);
    EXPECT_EQ(*written[0].find_string("file"), all.back().file);
    EXPECT_EQ(*written[0].find_integer("line"), all.back().line);
}

TEST(Reachability, NoFaultPointFiresInARunThatUsesNone) {
    const RunReport report = report_of(small_scenario(3));
    EXPECT_EQ(report.metric("fault_points_fired"), 0u);
    EXPECT_EQ(std::ranges::count_if(report.reached, is_fault_point), 0);
}

TEST(DrawnFaults, OnlyWhatIsUsedFires) {
    SimulatedRandomSource choices(1);
    DrawnFaults faults(choices);
    faults.use("one", 2);
    int fired = 0;
    for (int time = 0; time < 60; ++time) {
        fired += faults.fires("one") ? 1 : 0;
        EXPECT_FALSE(faults.fires("other"));
    }
    EXPECT_GT(fired, 10);
    EXPECT_LT(fired, 50);
    faults.stop("one");
    for (int time = 0; time < 60; ++time)
        EXPECT_FALSE(faults.fires("one"));
    EXPECT_EQ(faults.firings(), static_cast<std::uint64_t>(fired));
}

TEST(DrawnFaults, AFaultPointFiresNoMoreThanSoOften) {
    SimulatedRandomSource choices(1);
    DrawnFaults faults(choices);
    faults.use("one", 1);
    std::uint64_t fired = 0;
    for (int time = 0; time < 1000; ++time)
        fired += faults.fires("one") ? 1 : 0;
    EXPECT_EQ(fired, DrawnFaults::kFiringsMax);
}

// Each alone, in a short run: whatever a server may do, the others still agree with it.
TEST(DrawnFaults, ServersAgreeWhicheverFires) {
    std::size_t fired = 0;
    for (const std::string_view point : list_fault_points()) {
        Scenario scenario = small_scenario(3);
        scenario.chaos_ms /= 2;
        std::erase_if(scenario.timeline,
                      [&](const Step& late) { return late.at_ms >= scenario.chaos_ms; });
        Step step{.at_ms = 0, .verb = "fault_point", .arguments = {}};
        step.arguments.set("point", point);
        step.arguments.set("one_in", std::int64_t{3});
        step.arguments.set(kDurationParameter, scenario.chaos_ms);
        scenario.timeline.insert(scenario.timeline.begin(), std::move(step));
        ASSERT_EQ(find_fault_of(scenario), std::nullopt);
        const RunReport report = report_of(scenario);
        EXPECT_EQ(report.finding_count, 0u)
            << point << (report.findings.empty() ? "" : ": " + report.findings.front().what);
        EXPECT_TRUE(report.stuck_in.empty()) << point << ": " << report.stuck_in;
        if (report.metric("fault_points_fired") > 0) ++fired;
    }
    EXPECT_GE(fired, kFaultPointsLeast);
}

}  // namespace
}  // namespace matrix::simulator
