#include "simulator/lab/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <vector>

#include "refserver/base/assert.h"
#include "tests/generators/choices.h"

namespace matrix::lab {
namespace {

constexpr double kZ = 1.959963984540054;  // The 97.5 % quantile of the normal distribution.
constexpr std::size_t kResamples = 2'000;
constexpr std::uint64_t kResamplingSeed = 20'190'101;

}  // namespace

Estimate estimate_proportion(std::uint64_t hits, std::uint64_t trials) {
    MATRIX_ASSERT(hits <= trials);
    if (trials == 0) return {0, {0, 1}};
    const double n = static_cast<double>(trials);
    const double p = static_cast<double>(hits) / n;
    const double scale = 1 + kZ * kZ / n;
    const double centre = (p + kZ * kZ / (2 * n)) / scale;
    const double half = kZ * std::sqrt(p * (1 - p) / n + kZ * kZ / (4 * n * n)) / scale;
    return {p, {hits == 0 ? 0 : centre - half, hits == trials ? 1 : centre + half}};
}

// A table, and from there on the expansion of Cornish and Fisher, which is good to four digits.
double t_quantile(std::size_t degrees_of_freedom) {
    constexpr std::array kTable = {
        12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281};
    MATRIX_ASSERT(degrees_of_freedom > 0);
    if (degrees_of_freedom <= kTable.size()) return kTable[degrees_of_freedom - 1];
    const double f = static_cast<double>(degrees_of_freedom);
    const double z3 = kZ * kZ * kZ;
    const double z5 = z3 * kZ * kZ;
    const double z7 = z5 * kZ * kZ;
    return kZ + (z3 + kZ) / (4 * f) + (5 * z5 + 16 * z3 + 3 * kZ) / (96 * f * f) +
           (3 * z7 + 19 * z5 + 17 * z3 - 15 * kZ) / (384 * f * f * f);
}

Estimate estimate_mean(std::span<const double> values) {
    if (values.empty()) return {};
    const double n = static_cast<double>(values.size());
    double sum = 0;
    for (const double value : values)
        sum += value;
    const double mean = sum / n;
    if (values.size() < 2) return {mean, {mean, mean}};
    double squares = 0;
    for (const double value : values)
        squares += (value - mean) * (value - mean);
    const double half = t_quantile(values.size() - 1) * std::sqrt(squares / (n - 1) / n);
    return {mean, {mean - half, mean + half}};
}

namespace {

double rate_of(const Count& sum) {
    return sum.trials == 0 ? 0 : sum.hits / sum.trials;
}

void add(Count& sum, const Count& count) {
    sum.hits += count.hits;
    sum.trials += count.trials;
}

// `measure` of the worlds whose numbers it is given, each perhaps several times.
Estimate bootstrap(std::size_t worlds,
                   const std::function<double(std::span<const std::size_t>)>& measure) {
    if (worlds == 0) return {};
    std::vector<std::size_t> numbers(worlds);
    for (std::size_t place = 0; place < worlds; ++place)
        numbers[place] = place;
    const double value = measure(numbers);
    auto choices = generators::Choices::from_seed(kResamplingSeed);
    std::vector<double> measured;
    for (std::size_t resample = 0; resample < kResamples; ++resample) {
        for (std::size_t& number : numbers)
            number = choices.below(worlds);
        measured.push_back(measure(numbers));
    }
    std::ranges::sort(measured);
    constexpr std::size_t kTail = kResamples / 40;  // 2.5 %.
    return {value, {measured[kTail], measured[kResamples - 1 - kTail]}};
}

}  // namespace

Estimate estimate_rate(std::span<const Count> worlds) {
    return bootstrap(worlds.size(), [&](std::span<const std::size_t> numbers) {
        Count sum;
        for (const std::size_t number : numbers)
            add(sum, worlds[number]);
        return rate_of(sum);
    });
}

Estimate estimate_difference(std::span<const Count> a, std::span<const Count> b) {
    MATRIX_ASSERT(a.size() == b.size());
    return bootstrap(a.size(), [&](std::span<const std::size_t> numbers) {
        Count sum_a;
        Count sum_b;
        for (const std::size_t number : numbers) {
            add(sum_a, a[number]);
            add(sum_b, b[number]);
        }
        return rate_of(sum_b) - rate_of(sum_a);
    });
}

}  // namespace matrix::lab
