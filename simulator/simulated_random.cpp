#include "simulator/simulated_random.h"

#include <bit>

#include "refserver/base/index_map.h"

namespace matrix::simulator {

namespace {

std::uint64_t next_of_split_mix(std::uint64_t& state) {
    state += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = state;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
}

}  // namespace

SimulatedRandom::SimulatedRandom(std::uint64_t seed) {
    for (std::uint64_t& word : state_)
        word = next_of_split_mix(seed);
}

std::uint64_t SimulatedRandom::bits() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
}

runtime::Random& SimulatedRandomSource::stream(std::string_view name) {
    auto place = streams_.find(name);
    if (place == streams_.end()) {
        std::uint64_t state = seed_;
        const std::uint64_t mixed_seed = next_of_split_mix(state);
        auto stream = std::make_unique<SimulatedRandom>(mixed_seed ^ stable_hash(name));
        place = streams_.emplace(std::string(name), std::move(stream)).first;
    }
    return *place->second;
}

}  // namespace matrix::simulator
