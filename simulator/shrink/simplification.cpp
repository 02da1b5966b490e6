#include "simulator/shrink/simplification.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "simulator/scenario/verbs.h"
#include "simulator/shrink/removal.h"

namespace matrix::simulator {
namespace {

constexpr std::int64_t kSimplestLatencyUs = 1000;
constexpr std::int64_t kStepPauseMs = 1000;  // Between two steps that follow each other soon.
constexpr std::string_view kSimplestPreset = "public_chat";

void hurry_all(Scenario& scenario) {
    std::int64_t at_ms = 0;
    for (Step& step : scenario.timeline)
        step.at_ms = std::min(step.at_ms, std::exchange(at_ms, at_ms + kStepPauseMs));
    scenario.chaos_ms = std::min(scenario.chaos_ms, at_ms);
}

void end_early(Scenario& scenario) {
    const std::int64_t last_ms = scenario.timeline.empty() ? 0 : scenario.timeline.back().at_ms;
    scenario.chaos_ms = std::min(scenario.chaos_ms, last_ms + kStepPauseMs);
}

// The pause before a step becomes short, or half as long; what follows comes as much earlier.
void hurry(Scenario& scenario, std::size_t place, bool is_bold) {
    const std::int64_t before_ms = place == 0 ? -kStepPauseMs : scenario.timeline[place - 1].at_ms;
    const std::int64_t pause_ms = scenario.timeline[place].at_ms - before_ms;
    const std::int64_t shorter_ms = is_bold ? kStepPauseMs : pause_ms / 2;
    if (shorter_ms < kStepPauseMs || shorter_ms >= pause_ms) return;
    for (; place < scenario.timeline.size(); ++place)
        scenario.timeline[place].at_ms -= pause_ms - shorter_ms;
    scenario.chaos_ms -= pause_ms - shorter_ms;
}

void add_world(std::vector<Simplification>& found, const Scenario& scenario) {
    found.emplace_back([](Scenario& s) { s.link.loss_one_in = 0; });
    found.emplace_back([](Scenario& s) {
        s.link.latency_us_min = kSimplestLatencyUs;
        s.link.latency_us_max = kSimplestLatencyUs;
    });
    found.emplace_back([](Scenario& s) { s.link.latency_us_max = s.link.latency_us_min; });
    found.emplace_back([](Scenario& s) { s.identity_seed = 0; });
    found.emplace_back([](Scenario& s) { s.syncing.clear(); });
    for (const std::string& user : scenario.syncing)
        found.emplace_back([user](Scenario& s) { std::erase(s.syncing, user); });
    for (std::size_t room = 0; room < scenario.rooms.size(); ++room) {
        found.emplace_back([room](Scenario& s) { s.rooms[room].preset = kSimplestPreset; });
        found.emplace_back([room](Scenario& s) { set_creator(s.rooms[room], name_of_user(0, 0)); });
    }
}

void add_times(std::vector<Simplification>& found, const Scenario& scenario) {
    found.emplace_back(hurry_all);
    for (std::size_t place = 0; place < scenario.timeline.size(); ++place) {
        for (const bool is_bold : {true, false})
            found.emplace_back([=](Scenario& s) { hurry(s, place, is_bold); });
    }
    found.emplace_back(end_early);
}

// Users of the first two servers: who acts on somebody else needs two.
std::vector<json::Value> simplest_users(const Scenario& scenario) {
    std::vector<json::Value> users = {name_of_user(0, 0)};
    if (scenario.users_per_server > 1) users.emplace_back(name_of_user(0, 1));
    if (scenario.servers > 1) users.emplace_back(name_of_user(1, 0));
    return users;
}

// The simplest values of a parameter that is no integer, the very simplest first.
std::vector<json::Value> simplest_values(const Parameter& parameter, const Scenario& scenario) {
    switch (parameter.kind) {
        case ParameterKind::Option:
            return {std::string(parameter.options.front())};
        case ParameterKind::User:
            return simplest_users(scenario);
        case ParameterKind::Server:
            return {name_of_server(0)};
        case ParameterKind::Room:
            if (scenario.rooms.empty()) return {};
            return {scenario.rooms[0].name};
        case ParameterKind::Text:
            return {"a"};
        case ParameterKind::Integer:
        case ParameterKind::Servers:
        case ParameterKind::Groups:
        case ParameterKind::Byzantine:
        case ParameterKind::NewRoom:
        case ParameterKind::RoomVersion:
        case ParameterKind::FaultPoint:
            return {};
    }
    unreachable();
}

void add_integer(std::vector<Simplification>& found,
                 std::size_t place,
                 const Parameter& parameter) {
    const std::int64_t simplest = simplest_integer(parameter.least, parameter.most);
    const std::string name(parameter.name);
    found.emplace_back([=](Scenario& s) { s.timeline[place].arguments.set(name, simplest); });
    found.emplace_back([=](Scenario& s) {
        const std::int64_t value = s.timeline[place].integer(name);
        s.timeline[place].arguments.set(name, simplest + (value - simplest) / 2);
    });
}

// None of them where the value is one of those that are simpler already.
void add_values(std::vector<Simplification>& found,
                std::size_t place,
                const std::string& name,
                const std::vector<json::Value>& values) {
    for (std::size_t index = 0; index < values.size(); ++index) {
        found.emplace_back([=](Scenario& s) {
            json::Object& arguments = s.timeline[place].arguments;
            const auto simpler = values.begin() + static_cast<std::ptrdiff_t>(index);
            if (std::find(values.begin(), simpler, *arguments.find(name)) != simpler) return;
            arguments.set(name, *simpler);
        });
    }
}

void add_step(std::vector<Simplification>& found, const Scenario& scenario, std::size_t place) {
    const Step& step = scenario.timeline[place];
    for (const Parameter& parameter : find_verb(step.verb)->parameters) {
        if (!step.has(parameter.name)) continue;
        const std::string name(parameter.name);
        if (parameter.is_optional) {
            found.emplace_back([=](Scenario& s) { s.timeline[place].arguments.erase(name); });
        } else if (parameter.kind == ParameterKind::Integer) {
            add_integer(found, place, parameter);
        } else {
            add_values(found, place, name, simplest_values(parameter, scenario));
        }
    }
}

}  // namespace

std::vector<Simplification> simplifications_of(const Scenario& scenario) {
    std::vector<Simplification> found;
    add_world(found, scenario);
    add_times(found, scenario);
    for (std::size_t place = 0; place < scenario.timeline.size(); ++place)
        add_step(found, scenario, place);
    return found;
}

std::int64_t simplest_integer(std::int64_t least, std::int64_t most) {
    return std::clamp<std::int64_t>(0, least, most);
}

}  // namespace matrix::simulator
