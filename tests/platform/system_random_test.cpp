#include "refserver/platform/system_random.h"

#include <array>
#include <set>

#include <gtest/gtest.h>

namespace matrix::platform {
namespace {

TEST(SystemRandom, GivesTheSameStreamForTheSameName) {
    SystemRandom random;
    EXPECT_EQ(&random.stream("tokens"), &random.stream("tokens"));
    EXPECT_NE(&random.stream("tokens"), &random.stream("outbox"));
}

TEST(SystemRandom, NeverRepeatsItself) {
    SystemRandom random;
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 1000; ++i) {
        EXPECT_TRUE(seen.insert(random.stream("a").bits()).second);
        EXPECT_TRUE(seen.insert(random.stream("b").bits()).second);
    }
}

TEST(SystemRandom, ReachesEveryNumberBelowTheBound) {
    SystemRandom random;
    std::array<int, 6> counts{};
    for (int i = 0; i < 6000; ++i)
        ++counts[random.stream("dice").below(6)];
    for (const int count : counts)
        EXPECT_NEAR(count, 1000, 250);
}

}  // namespace
}  // namespace matrix::platform
