// Faults that a seed may choose.

#include <array>

#include "simulator/scenario/disturbance.h"
#include "simulator/scenario/verbs.h"

namespace matrix::simulator {
namespace {

// Two halves that a seed decides, neither empty, from a third to two thirds of the chaos.
void draw_split(Scenario& scenario, runtime::Random& random) {
    if (scenario.servers < 2) return;
    json::Array halves[2];
    for (int number = 0; number < scenario.servers; ++number) {
        const bool is_first = number == 0;
        const bool is_last = number == scenario.servers - 1;
        const std::uint64_t half = random.below(2);
        halves[is_first ? 0 : is_last ? 1 : half].emplace_back(name_of_server(number));
    }
    Step step{.at_ms = scenario.chaos_ms / 3, .verb = "partition", .arguments = {}};
    json::Array groups;
    groups.emplace_back(std::move(halves[0]));
    groups.emplace_back(std::move(halves[1]));
    step.arguments.set("groups", std::move(groups));
    step.arguments.set(kDurationParameter, scenario.chaos_ms / 3 + 1);
    scenario.timeline.push_back(std::move(step));
}

constexpr std::array kFaultDisturbances = {
    Disturbance{"split", "Two halves do not reach each other in the middle third.", 60, draw_split},
};

}  // namespace

std::span<const Disturbance> fault_disturbances() {
    return kFaultDisturbances;
}

}  // namespace matrix::simulator
