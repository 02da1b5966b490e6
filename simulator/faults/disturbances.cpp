// Faults that a seed may choose.

#include <array>

#include "simulator/drawn_faults.h"
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

// Each point with a chance of one in four, for the whole of the chaos.
void draw_fault_points(Scenario& scenario, runtime::Random& random) {
    constexpr std::uint64_t kPointsOneIn = 4;
    constexpr std::uint64_t kFiresOneInMost = 8;
    for (const std::string_view point : list_fault_points()) {
        const bool is_used = random.below(kPointsOneIn) == 0;
        const auto one_in = static_cast<std::int64_t>(2 + random.below(kFiresOneInMost - 1));
        if (!is_used) continue;
        Step step{.at_ms = 0, .verb = "fault_point", .arguments = {}};
        step.arguments.set("point", point);
        step.arguments.set("one_in", one_in);
        step.arguments.set(kDurationParameter, scenario.chaos_ms);
        scenario.timeline.push_back(std::move(step));
    }
}

constexpr std::array kFaultDisturbances = {
    Disturbance{"split", "Two halves do not reach each other in the middle third.", 60, draw_split},
    Disturbance{"fault-points",
                "A quarter of the servers' fault points fire, once in 2 to 8 times.",
                30,
                draw_fault_points},
};

}  // namespace

std::span<const Disturbance> fault_disturbances() {
    return kFaultDisturbances;
}

}  // namespace matrix::simulator
