// Mischief that a seed may choose.

#include <algorithm>
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

// --- A member that misbehaves --------------------------------------------------------------------

constexpr std::int64_t kActPauseMsMost = 15'000;
constexpr std::int64_t kLieMsMost = 60'000;
constexpr std::int64_t kBranchesMost = 20;
constexpr std::int64_t kPastMsMost = 365LL * 86'400'000;
constexpr std::int64_t kFutureMsMost = 3'600'000;

std::int64_t draw_up_to(runtime::Random& random, std::int64_t least, std::int64_t most) {
    return least +
           static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(most - least) + 1));
}

std::string draw_server_name(const Scenario& scenario, runtime::Random& random) {
    return name_of_server(
        static_cast<int>(random.below(static_cast<std::uint64_t>(scenario.servers))));
}

// By the verb's own table: what it takes beside host, server and room.
void draw_argument(const Scenario& scenario,
                   const Parameter& parameter,
                   Step& step,
                   runtime::Random& random) {
    const std::string name(parameter.name);
    if (parameter.kind == ParameterKind::Option) {
        const std::size_t option = random.below(parameter.options.size());
        step.arguments.set(name, std::string(parameter.options[option]));
    } else if (parameter.kind == ParameterKind::Server) {
        step.arguments.set(name, draw_server_name(scenario, random));
    } else if (name == kDurationParameter) {
        const std::int64_t left_ms = std::max<std::int64_t>(scenario.chaos_ms - step.at_ms, 1);
        step.arguments.set(name, draw_up_to(random, 1, std::min(kLieMsMost, left_ms)));
    } else if (name == "branches") {
        step.arguments.set(name, draw_up_to(random, parameter.least, kBranchesMost));
    } else if (name == "by_ms") {
        // Into the future no further than keys are good for: whether a later event is believed
        // depends on when a server last fetched them, and so differs between servers.
        step.arguments.set(name, draw_up_to(random, -kPastMsMost, kFutureMsMost));
    } else if (name == "depth") {
        constexpr std::array<std::int64_t, 4> kDepths = {0, 1, 1'000'000, json::kIntegerMax};
        step.arguments.set(name, kDepths[random.below(kDepths.size())]);
    }
}

void draw_acts(Scenario& scenario, runtime::Random& random, std::string_view left_out) {
    if (scenario.rooms.empty()) return;
    const std::string host = name_of_byzantine_host(scenario.byzantine_hosts++);
    std::vector<const Verb*> verbs;
    for (const Verb& verb : byzantine_verbs()) {
        if (verb.name != left_out) verbs.push_back(&verb);
    }
    for (std::int64_t at_ms = draw_up_to(random, 1, kActPauseMsMost); at_ms < scenario.chaos_ms;
         at_ms += draw_up_to(random, 1, kActPauseMsMost)) {
        const Verb& verb = *verbs[random.below(verbs.size())];
        Step step{.at_ms = at_ms, .verb = std::string(verb.name), .arguments = {}};
        for (const Parameter& parameter : verb.parameters) {
            if (parameter.kind == ParameterKind::Byzantine) {
                step.arguments.set("host", host);
            } else if (parameter.kind == ParameterKind::Room) {
                step.arguments.set("room",
                                   scenario.rooms[random.below(scenario.rooms.size())].name);
            } else {
                draw_argument(scenario, parameter, step, random);
            }
        }
        scenario.timeline.push_back(std::move(step));
    }
}

void draw_bad_member(Scenario& scenario, runtime::Random& random) {
    draw_acts(scenario, random, "lie_about_state");
}
void draw_liar(Scenario& scenario, runtime::Random& random) {
    draw_acts(scenario, random, "");
}

constexpr std::array kByzantineDisturbances = {
    Disturbance{"intruder",
                "A host sends an event of a stranger every 15 s, 50 at most.",
                50,
                draw_intruder},
    Disturbance{"bad_member",
                "A host that joins, and misbehaves in every way but one each 15 s or sooner.",
                30,
                draw_bad_member},
    Disturbance{"liar",
                "The same, and it lies about states besides: its rooms may never agree.",
                5,
                draw_liar},
};

}  // namespace

std::span<const Disturbance> byzantine_disturbances() {
    return kByzantineDisturbances;
}

}  // namespace matrix::simulator
