// SimulatedRandom: chance that a seed repeats, on every platform and standard library.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "refserver/runtime/random.h"

namespace matrix::simulator {

/// xoshiro256**, filled from the seed by SplitMix64. Reference: https://prng.di.unimi.it
class SimulatedRandom final : public runtime::Random {
public:
    explicit SimulatedRandom(std::uint64_t seed);
    std::uint64_t bits() override;

private:
    std::array<std::uint64_t, 4> state_;
};

/// Streams that depend on the seed and their name alone, not on each other.
class SimulatedRandomSource final : public runtime::RandomSource {
public:
    explicit SimulatedRandomSource(std::uint64_t seed) : seed_(seed) {}
    runtime::Random& stream(std::string_view name) override;

private:
    std::uint64_t seed_;
    std::map<std::string, std::unique_ptr<SimulatedRandom>, std::less<>> streams_;
};

}  // namespace matrix::simulator
