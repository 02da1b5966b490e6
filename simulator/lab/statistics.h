// What a sample says about all worlds: estimates with intervals of 95 % confidence.
//
// The same numbers give the same bits: sums have one order, and resampling has a seed.
#pragma once

#include <cstdint>
#include <span>

namespace matrix::lab {

struct Interval {
    double low = 0;
    double high = 0;
    bool has(double value) const { return low <= value && value <= high; }
};

struct Estimate {
    double value = 0;
    Interval interval;
};

/// A proportion by Wilson's score interval; 0 to 1 without a trial.
Estimate estimate_proportion(std::uint64_t hits, std::uint64_t trials);

/// A mean by Student's t. With fewer than two values the interval is the mean itself.
Estimate estimate_mean(std::span<const double> values);

/// What one world counted: `hits` in `trials`.
struct Count {
    double hits = 0;
    double trials = 0;
};

/// Hits per trial in all worlds together. What happens in one world hangs together, so whole
/// worlds are resampled (percentile bootstrap).
Estimate estimate_rate(std::span<const Count> worlds);

/// The rate of `b` less that of `a`, whose worlds are pairs: both of a pair are resampled together.
Estimate estimate_difference(std::span<const Count> a, std::span<const Count> b);

/// The 97.5 % quantile of Student's t.
double t_quantile(std::size_t degrees_of_freedom);

}  // namespace matrix::lab
