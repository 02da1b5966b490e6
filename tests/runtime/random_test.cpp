// Random: uniform, repeatable, and streams that do not shift each other.
#include "refserver/runtime/random.h"

#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "simulator/simulated_random.h"

namespace matrix::runtime {
namespace {

using simulator::SimulatedRandom;
using simulator::SimulatedRandomSource;

TEST(Random, DrawsEachNumberEquallyOften) {
    for (const std::uint64_t n : {2U, 7U, 10U, 64U}) {
        SimulatedRandom random(n);
        constexpr std::int64_t kExpected = 10'000;
        std::vector<std::int64_t> counts(n);
        for (std::uint64_t draw = 0; draw < n * kExpected; ++draw)
            ++counts[random.below(n)];
        double chi_squared = 0;
        for (const std::int64_t count : counts) {
            const auto difference = static_cast<double>(count - kExpected);
            chi_squared += difference * difference / kExpected;
        }
        // Mean n - 1, variance 2 (n - 1): five deviations and a little for small n.
        const auto freedom = static_cast<double>(n - 1);
        EXPECT_LT(chi_squared, freedom + 5 * std::sqrt(2 * freedom) + 5) << "below " << n;
    }
}

/// Gives what it is told to.
class Scripted final : public Random {
public:
    explicit Scripted(std::vector<std::uint64_t> draws) : draws_(std::move(draws)) {}
    std::uint64_t bits() override { return draws_.at(next_++); }

private:
    std::vector<std::uint64_t> draws_;
    std::size_t next_ = 0;
};

TEST(Random, DrawsAgainWhereTheRangeDoesNotDivide) {
    // 2^64 = 3 * k + 1: the first value would make 0 too likely.
    Scripted random({0, 1});
    EXPECT_EQ(random.below(3), 1U);
}

TEST(Random, HasOneResultBelowOne) {
    SimulatedRandom random(1);
    for (int draw = 0; draw < 100; ++draw)
        EXPECT_EQ(random.below(1), 0U);
}

TEST(Random, MakesBytesAndTextsOfTheirLength) {
    SimulatedRandom random(1);
    for (const std::size_t length : {0U, 1U, 7U, 8U, 9U, 100U}) {
        EXPECT_EQ(random.bytes(length).size(), length);
        const std::string text = random.text(length, kLetters);
        EXPECT_EQ(text.size(), length);
        EXPECT_EQ(text.find_first_not_of(kLetters), std::string::npos);
    }
    const std::string bytes = random.bytes(10'000);
    EXPECT_EQ(std::set<char>(bytes.begin(), bytes.end()).size(), 256U);
}

TEST(SimulatedRandom, RepeatsWithItsSeed) {
    SimulatedRandom first(7);
    SimulatedRandom same(7);
    SimulatedRandom other(8);
    const std::uint64_t draw = first.bits();
    EXPECT_EQ(draw, same.bits());
    EXPECT_NE(draw, other.bits());
    // The same on every platform.
    EXPECT_EQ(SimulatedRandom(0).bits(), 0x99ec5f36cb75f2b4U);
}

TEST(SimulatedRandomSource, KeepsStreamsApart) {
    SimulatedRandomSource one(7);
    SimulatedRandomSource two(7);
    Random& outbox = one.stream("outbox");
    EXPECT_EQ(&outbox, &one.stream("outbox"));
    two.stream("keys").bits();
    two.stream("keys").bits();
    for (int draw = 0; draw < 10; ++draw) {
        EXPECT_EQ(outbox.bits(), two.stream("outbox").bits());
    }
    EXPECT_NE(one.stream("a").bits(), one.stream("b").bits());
}

}  // namespace
}  // namespace matrix::runtime
