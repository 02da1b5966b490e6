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
#include "simulator/simulated_random.h"

namespace matrix::simulator {
namespace {

constexpr std::size_t kPlacesLeast = 150;

RunOptions small_run(std::uint64_t seed) {
    RunOptions options;
    options.cluster.servers = 4;
    options.cluster.seed = seed;
    options.workload.chaos_us = 300'000'000;
    options.workload.pause_us_max = 10'000'000;
    return options;
}

bool is_of_the_server(const SometimesPlace& place) {
    return place.file.starts_with("refserver/protocol/") ||
           place.file.starts_with("refserver/storage/") ||
           place.file.starts_with("refserver/engine/");
}

bool is_fault_point(std::string_view name) {
    return name.starts_with(runtime::kFaultPointPrefix);
}

std::size_t count_fired_points() {
    return static_cast<std::size_t>(std::ranges::count_if(list_reached_names(), is_fault_point));
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
    forget_sometimes_marks();
    EXPECT_TRUE(list_reached_names().empty());
    run(small_run(3));
    const std::vector<std::string> reached = list_reached_names();
    EXPECT_THAT(reached, testing::IsSupersetOf({"a received event is soft-failed"}));
    const std::size_t unreached = list_unreached_places(reached).size();
    EXPECT_EQ(reached.size() + unreached, list_sometimes_places().size());

    forget_sometimes_marks();
    run(small_run(3));
    EXPECT_EQ(list_reached_names(), reached);
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

TEST(DrawnFaults, NoneFiresInARunWithoutAPlan) {
    forget_sometimes_marks();
    run(small_run(3));
    EXPECT_EQ(count_fired_points(), 0u);
}

TEST(DrawnFaults, ServersAgreeWhateverFires) {
    std::set<std::string> fired;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        SimulatedRandomSource source(seed);
        DrawnFaults faults(source.stream("fault points"));
        const auto report = run(small_run(seed));
        ASSERT_TRUE(report.has_value());
        EXPECT_THAT(report->convergence.disagreements, testing::IsEmpty())
            << "seed " << seed << testing::PrintToString(faults.list_firings());
        EXPECT_EQ(report->soundness.breach_count, 0u) << "seed " << seed;
        EXPECT_EQ(report->operations.failed, 0u) << "seed " << seed;
        for (const auto& [name, count] : faults.list_firings())
            fired.insert(name);
    }
    EXPECT_GE(fired.size(), 6u);
}

TEST(DrawnFaults, TheSeedDecidesWhatFires) {
    const auto firings_of = [](std::uint64_t seed) {
        SimulatedRandomSource source(seed);
        DrawnFaults faults(source.stream("fault points"));
        run(small_run(3));
        return faults.list_firings();
    };
    const auto firings = firings_of(1);
    EXPECT_FALSE(firings.empty());
    EXPECT_EQ(firings_of(1), firings);
    EXPECT_NE(firings_of(2), firings);
}

TEST(DrawnFaults, AFaultPointFiresNoMoreThanSoOften) {
    SimulatedRandomSource source(1);
    DrawnFaults faults(source.stream("fault points"));
    std::uint64_t fired = 0;
    for (int name = 0; name < 20; ++name) {
        for (int time = 0; time < 1000; ++time)
            fired += faults.fires("point " + std::to_string(name)) ? 1 : 0;
    }
    EXPECT_GT(fired, 0u);
    EXPECT_EQ(fired % DrawnFaults::kFiringsMax, 0u);
    EXPECT_LT(fired, 20 * DrawnFaults::kFiringsMax);
    for (const auto& [name, count] : faults.list_firings())
        EXPECT_EQ(count, DrawnFaults::kFiringsMax) << name;
}

TEST(DrawnFaults, NothingFiresWhenItIsStopped) {
    SimulatedRandomSource source(1);
    DrawnFaults faults(source.stream("fault points"));
    faults.stop();
    for (int time = 0; time < 1000; ++time)
        EXPECT_FALSE(faults.fires("point " + std::to_string(time % 50)));
}

}  // namespace
}  // namespace matrix::simulator
