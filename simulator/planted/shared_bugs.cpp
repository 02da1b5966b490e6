// Planted bugs that all servers have, in what they share with fsck: how events are judged and
// states are resolved. They are planted in the oracle, for it makes no difference which of two that
// are of two minds has the bug.

#include <array>

#include "simulator/planted/planted_bug.h"

namespace matrix::simulator {
namespace {

template <oracle::Deviation kDeviation>
class SharedBug final : public Saboteur {
public:
    oracle::Deviations deviations_of_oracle() override { return {kDeviation}; }
};

template <oracle::Deviation kDeviation>
std::unique_ptr<Saboteur> make_shared_bug() {
    return std::make_unique<SharedBug<kDeviation>>();
}

constexpr std::array kSharedBugs = {
    PlantedBug{"ignores-the-mainline",
               "Servers do not agree with the oracle about the order by mainline.",
               "oracle",
               make_shared_bug<oracle::Deviation::MainlineIgnored>},
    PlantedBug{"skips-the-auth-difference",
               "Servers do not agree with the oracle what belongs to the auth difference.",
               "oracle",
               make_shared_bug<oracle::Deviation::NoAuthDifference>},
};

}  // namespace

std::span<const PlantedBug> shared_bugs() {
    return kSharedBugs;
}

}  // namespace matrix::simulator
