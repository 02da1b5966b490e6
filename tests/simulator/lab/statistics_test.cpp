// Intervals with values that others have published or that follow from the formula.

#include "simulator/lab/statistics.h"

#include <vector>

#include <gtest/gtest.h>

namespace matrix::lab {
namespace {

void check_proportion(std::uint64_t hits, std::uint64_t trials, double low, double high) {
    const Estimate estimate = estimate_proportion(hits, trials);
    EXPECT_NEAR(estimate.interval.low, low, 5e-4) << hits << " of " << trials;
    EXPECT_NEAR(estimate.interval.high, high, 5e-4) << hits << " of " << trials;
}

TEST(Proportion, HasWilsonsInterval) {
    // Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I,
    // method 3.
    check_proportion(81, 263, 0.2553, 0.3662);
    check_proportion(15, 148, 0.0624, 0.1605);
    check_proportion(0, 20, 0, 0.1611);
    check_proportion(1, 29, 0.0061, 0.1718);
    check_proportion(20, 20, 0.8389, 1);
    check_proportion(0, 0, 0, 1);
}

TEST(Mean, HasStudentsInterval) {
    const std::vector<double> values = {2, 4, 4, 4, 5, 5, 7, 9};
    const Estimate estimate = estimate_mean(values);
    EXPECT_DOUBLE_EQ(estimate.value, 5);
    // s = 2.1381, t(7) = 2.3646: half of it is 1.7875.
    EXPECT_NEAR(estimate.interval.low, 3.2125, 1e-3);
    EXPECT_NEAR(estimate.interval.high, 6.7875, 1e-3);
    const std::vector<double> one = {3};
    EXPECT_EQ(estimate_mean(one).interval.high, 3);
    EXPECT_EQ(estimate_mean({}).value, 0);
}

TEST(Mean, KnowsTheQuantilesOfStudent) {
    EXPECT_NEAR(t_quantile(1), 12.706, 1e-3);
    EXPECT_NEAR(t_quantile(10), 2.228, 1e-3);
    EXPECT_NEAR(t_quantile(11), 2.201, 1e-3);
    EXPECT_NEAR(t_quantile(30), 2.042, 1e-3);
    EXPECT_NEAR(t_quantile(120), 1.980, 1e-3);
}

TEST(Rate, IsHitsPerTrialOfAllWorlds) {
    const std::vector<Count> worlds = {{1, 10}, {0, 90}, {3, 100}};
    const Estimate estimate = estimate_rate(worlds);
    EXPECT_DOUBLE_EQ(estimate.value, 0.02);
    EXPECT_LE(estimate.interval.low, 0.02);
    EXPECT_GE(estimate.interval.high, 0.02);
    EXPECT_EQ(estimate_rate(worlds).interval.low, estimate.interval.low) << "the same bits again";
}

TEST(Rate, HasTheIntervalOfTheNormalDistributionInLargeSamples) {
    // 400 worlds of one trial, a quarter of them hits: 0.25 +- 1.96 * sqrt(0.25 * 0.75 / 400).
    std::vector<Count> worlds;
    for (int number = 0; number < 400; ++number)
        worlds.push_back({number % 4 == 0 ? 1.0 : 0.0, 1});
    const Estimate estimate = estimate_rate(worlds);
    EXPECT_NEAR(estimate.interval.low, 0.2076, 0.006);
    EXPECT_NEAR(estimate.interval.high, 0.2924, 0.006);
}

TEST(Difference, IsThatOfPairs) {
    // Each pair differs by one, however much the worlds differ from one another.
    std::vector<Count> a;
    std::vector<Count> b;
    for (int number = 0; number < 50; ++number) {
        a.push_back({static_cast<double>(number * 10), 1});
        b.push_back({static_cast<double>(number * 10 + 1), 1});
    }
    const Estimate difference = estimate_difference(a, b);
    EXPECT_NEAR(difference.value, 1, 1e-9);
    EXPECT_NEAR(difference.interval.low, 1, 1e-9);
    EXPECT_NEAR(difference.interval.high, 1, 1e-9);
}

}  // namespace
}  // namespace matrix::lab
