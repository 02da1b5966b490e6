// Comparisons: the same again, a difference that was planted, and what a case shows.

#include "simulator/lab/compare.h"

#include <gtest/gtest.h>

#include "simulator/lab/server_world.h"

namespace matrix::lab {
namespace {

CompareOptions options_of(const RoomRules& a, const RoomRules& b, std::uint64_t last_seed) {
    return {.a = &a,
            .b = &b,
            .first_seed = 0,
            .last_seed = last_seed,
            .wrong_answers = 2,
            .wants_cases = true};
}

std::uint64_t count_resets(const Side& side) {
    std::uint64_t count = 0;
    for (const WorldFigures& world : side.worlds)
        count += world.reset_count();
    return count;
}

TEST(Comparison, IsTheSameAgain) {
    const CompareOptions options = options_of(*find_room_rules("11"), *find_room_rules("12"), 14);
    const Comparison first = compare_versions(options);
    const Comparison second = compare_versions(options);
    EXPECT_EQ(first.a.worlds, second.a.worlds);
    EXPECT_EQ(first.b.worlds, second.b.worlds);
    EXPECT_EQ(write_report(first, "x"), write_report(second, "x"));
    EXPECT_EQ(write_compare_page(first), write_compare_page(second));
    EXPECT_GT(count_resets(first.a), 0) << "else this compared nothing with nothing";
}

TEST(Comparison, FindsNoDifferenceBetweenAVersionAndACopyOfIt) {
    const RegisteredRoomRules copy("org.example.copy", *find_room_rules("11"));
    const Comparison comparison =
        compare_versions(options_of(*find_room_rules("11"), copy.rules(), 9));
    EXPECT_EQ(comparison.a.worlds, comparison.b.worlds);
    EXPECT_TRUE(comparison.cases.empty());
}

TEST(Comparison, FindsAPlantedDifferenceAndCutsItDown) {
    // A version whose checks forget what authorized an event resets far more.
    RoomRules forgetful = *find_room_rules("12");
    forgetful.resolution_steps.auth_entries = AuthEntries::StateOnly;
    const RegisteredRoomRules planted("org.example.forgetful", forgetful);
    const RoomRules& v12 = *find_room_rules("12");
    const Comparison comparison = compare_versions(options_of(v12, planted.rules(), 4));
    EXPECT_GT(count_resets(comparison.b), 2 * count_resets(comparison.a));
    const std::string report = write_report(comparison, "x");
    EXPECT_TRUE(report.contains("| auth_entries state_then_cited |")) << report;

    ASSERT_FALSE(comparison.cases.empty());
    for (const Case& found : comparison.cases) {
        EXPECT_FALSE(found.is_lost_by_a);
        EXPECT_TRUE(shows(found, found.plan, v12, planted.rules()));
        const WorldPlan whole = plan_world(found.seed, 2);
        EXPECT_LT(found.plan.choices.size() * 2, whole.choices.size());
    }
    const std::string page = write_compare_page(comparison);
    EXPECT_TRUE(page.contains("lost by org.example.forgetful"));
    EXPECT_TRUE(page.contains("srcdoc="));
}

TEST(ModelWorld, EndsWithEqualStatesWhereAllServersKnowThem) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const World world = run_world(plan_world(seed, 0), *find_room_rules("12"));
        EXPECT_EQ(world.figures.split_ms, 0) << seed;
        EXPECT_TRUE(world.figures.rejections.empty()) << seed;
        EXPECT_GT(world.figures.lasted_ms, 0);
    }
}

TEST(ServerWorld, IsTheSameAgainAndResolves) {
    const RoomRules& rules = *find_room_rules("12");
    const WorldFigures first = run_servers(1, rules, {});
    EXPECT_EQ(first, run_servers(1, rules, {}));
    EXPECT_GT(first.events, 0);
    EXPECT_GT(first.apart_ms, 0) << "the servers were split";
    EXPECT_EQ(first.split_ms, 0);
}

TEST(ServerWorld, RunsAVersionThatWasGivenAsData) {
    RoomRules rules = *find_room_rules("11");
    rules.resolution_steps = kStepsV2_1;
    const RegisteredRoomRules registered("org.example.data", rules);
    EXPECT_GT(run_servers(1, registered.rules(), {}).events, 0);
}

}  // namespace
}  // namespace matrix::lab
