// Mischief that a seed may choose.

#include <array>

#include "simulator/scenario/disturbance.h"
#include "simulator/scenario/verbs.h"

namespace matrix::simulator {
namespace {

constexpr std::int64_t kIntrusionPauseMs = 15'000;
constexpr int kIntrusionsMax = 50;

void draw_intruder(Scenario& scenario, runtime::Random& random) {
    if (scenario.rooms.empty()) return;
    const std::string host = name_of_byzantine_host(scenario.byzantine_hosts++);
    for (int count = 1; count <= kIntrusionsMax; ++count) {
        const std::int64_t at_ms = count * kIntrusionPauseMs;
        if (at_ms >= scenario.chaos_ms) break;
        Step step{.at_ms = at_ms, .verb = "intrude", .arguments = {}};
        const auto server =
            static_cast<int>(random.below(static_cast<std::uint64_t>(scenario.servers)));
        step.arguments.set("host", host);
        step.arguments.set("server", name_of_server(server));
        step.arguments.set("room", scenario.rooms[random.below(scenario.rooms.size())].name);
        scenario.timeline.push_back(std::move(step));
    }
    if (scenario.chaos_ms > kIntrusionPauseMs) scenario.at_least["events_rejected"] = 1;
}

constexpr std::array kByzantineDisturbances = {
    Disturbance{"intruder",
                "A host sends an event of a stranger every 15 s, 50 at most.",
                50,
                draw_intruder},
};

}  // namespace

std::span<const Disturbance> byzantine_disturbances() {
    return kByzantineDisturbances;
}

}  // namespace matrix::simulator
