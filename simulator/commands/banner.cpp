#include "simulator/commands/banner.h"

#include <cstdio>

#include "simulator/commands/commands.h"
#include "simulator/scenario/verbs.h"

namespace matrix::simulator {
namespace {

std::string line(const char* key, const std::string& value) {
    std::string text = std::string(key) + ":";
    text.resize(14, ' ');
    return text + value + "\n";
}

std::string in_ms(std::int64_t us) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", static_cast<double>(us) / 1000);
    return text;
}

std::string describe_link(const LinkOptions& link) {
    return in_ms(link.latency_us_min) + " to " + in_ms(link.latency_us_max) + " ms, " +
           (link.loss_one_in == 0 ? std::string("no loss")
                                  : "one message lost in " + std::to_string(link.loss_one_in));
}

std::string describe_chance(const Scenario& scenario) {
    if (scenario.seed) return "seed " + std::to_string(*scenario.seed);
    if (scenario.choices.empty()) return "none";
    return "recorded, " + std::to_string(scenario.choices.size()) + " streams";
}

std::string describe_rooms(const Scenario& scenario) {
    std::string text;
    for (const RoomPlan& room : scenario.rooms)
        text += (text.empty() ? "" : ", ") + room.name + " of version " + room.version;
    return text.empty() ? "none" : text;
}

// "message 214, topic 40".
std::string describe_steps(const Scenario& scenario, VerbKind kind) {
    std::string text;
    for (const Verb& verb : all_verbs()) {
        if (verb.kind != kind) continue;
        std::size_t count = 0;
        for (const Step& step : scenario.timeline)
            count += step.verb == verb.name;
        if (count == 0) continue;
        text += (text.empty() ? "" : ", ") + std::string(verb.name) + " " + std::to_string(count);
    }
    return text.empty() ? "none" : text;
}

}  // namespace

std::string describe(const Scenario& scenario, const RunOptions& options) {
    std::string text = scenario.name + ", build " + kBuildId + "\n";
    if (!scenario.description.empty()) text += line("drawn", scenario.description);
    text += line("servers",
                 std::to_string(scenario.servers) + " with " +
                     std::to_string(scenario.users_per_server) + " users each, " +
                     std::to_string(scenario.byzantine_hosts) + " Byzantine hosts");
    text += line("rooms", describe_rooms(scenario));
    text += line("links", describe_link(scenario.link));
    text += line("chance", describe_chance(scenario));
    text += line("timeline", std::to_string(scenario.chaos_ms / 1000) + " s");
    for (const VerbKind kind : {VerbKind::Operation, VerbKind::Fault, VerbKind::Byzantine})
        text += line(std::string(name_of(kind)).c_str(), describe_steps(scenario, kind));
    text += line("signatures", options.crypto == Crypto::Real ? "real" : "simulated");
    if (!options.plant.empty()) text += line("planted bug", options.plant);
    return text;
}

}  // namespace matrix::simulator
