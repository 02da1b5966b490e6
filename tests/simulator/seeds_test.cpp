// Seeds as people write them.

#include "simulator/sweep/seeds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "refserver/base/index_map.h"

namespace matrix::simulator {
namespace {

std::string check(std::string_view text) {
    const auto seeds = parse_seeds(text);
    if (!seeds) return seeds.error();
    std::string all;
    for (const SeedName& seed : *seeds)
        all += (all.empty() ? "" : " ") + std::to_string(seed.seed);
    return all;
}

TEST(Seeds, AreNumbersAndRangesInTheirOrderEachOnce) {
    EXPECT_EQ(check("7"), "7");
    EXPECT_EQ(check("3..6"), "3 4 5 6");
    EXPECT_EQ(check("9,3..5,4,1"), "9 3 4 5 1");
    EXPECT_EQ(check("18446744073709551615"), "18446744073709551615");
}

TEST(Seeds, MayBeTheHashOfACommit) {
    const auto seed = parse_seed("4879FA5a8431");
    ASSERT_TRUE(seed);
    EXPECT_EQ(seed->seed, stable_hash("4879fa5a8431"));
    EXPECT_EQ(seed->text, "4879FA5a8431");
    // Forty digits are no number of 64 bits.
    EXPECT_EQ(parse_seed(std::string(40, '1'))->seed, stable_hash(std::string(40, '1')));
}

TEST(Seeds, OthersAreRefusedWithWhatWasExpected) {
    EXPECT_THAT(check("x"), testing::HasSubstr("expected a seed"));
    EXPECT_THAT(check(""), testing::HasSubstr("expected a seed"));
    EXPECT_THAT(check("1,,2"), testing::HasSubstr("expected a seed"));
    EXPECT_THAT(check("abc"), testing::HasSubstr("found 'abc'"));
    EXPECT_THAT(check("9..3"), testing::HasSubstr("expected a range FIRST..LAST"));
    EXPECT_THAT(check("1..x"), testing::HasSubstr("expected a range FIRST..LAST"));
    EXPECT_THAT(check("0..99999999999"), testing::HasSubstr("expected at most 10000000 seeds"));
    EXPECT_THAT(check("0..18446744073709551615"), testing::HasSubstr("expected at most"));
}

}  // namespace
}  // namespace matrix::simulator
