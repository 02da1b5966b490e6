#include "simulator/scenario/verbs.h"

#include <algorithm>

#include "refserver/base/assert.h"
#include "refserver/protocol/room_rules.h"
#include "simulator/drawn_faults.h"

namespace matrix::simulator {
namespace {

std::string joined(std::span<const std::string_view> words) {
    std::string text;
    for (const std::string_view word : words) {
        if (!text.empty()) text += ", ";
        text += word;
    }
    return text;
}

bool is_list_of_servers(const json::Value& value, const Scenario& scenario) {
    const json::Array* items = value.if_array();
    return items != nullptr && std::ranges::all_of(*items, [&](const json::Value& item) {
               return item.if_string() != nullptr && find_server(scenario, *item.if_string());
           });
}

// Rooms of the plan, and those that earlier steps make.
bool is_room_known(const Step& step, const Scenario& scenario, const std::string& name) {
    if (find_room(scenario, name) != nullptr) return true;
    return std::ranges::any_of(scenario.timeline, [&](const Step& other) {
        if (other.at_ms > step.at_ms) return false;
        const Verb* verb = find_verb(other.verb);
        if (verb == nullptr) return false;
        return std::ranges::any_of(verb->parameters, [&](const Parameter& parameter) {
            if (parameter.kind != ParameterKind::NewRoom) return false;
            const json::Value* made = other.arguments.find(parameter.name);
            return made != nullptr && made->if_string() != nullptr && *made->if_string() == name;
        });
    });
}

std::string expectation_of(const Parameter& parameter, const Scenario& scenario) {
    const std::string servers = "s0.test to " + name_of_server(scenario.servers - 1);
    switch (parameter.kind) {
        case ParameterKind::User:
            return "a user of the scenario, @user0:s0.test to " +
                   name_of_user(scenario.servers - 1, scenario.users_per_server - 1);
        case ParameterKind::Server:
            return "a server, " + servers;
        case ParameterKind::Servers:
            return "a list of servers, " + servers;
        case ParameterKind::Groups:
            return "a list of lists of servers, " + servers;
        case ParameterKind::Byzantine:
            return "a Byzantine host, b0.test up to the number of byzantine_hosts (" +
                   std::to_string(scenario.byzantine_hosts) + ")";
        case ParameterKind::Room:
            return "the name of a room in `rooms` or of one that an earlier step makes";
        case ParameterKind::NewRoom:
            return "a name that no other room has";
        case ParameterKind::Integer:
            return "an integer from " + std::to_string(parameter.least) + " to " +
                   std::to_string(parameter.most);
        case ParameterKind::Option:
            return "one of " + joined(parameter.options);
        case ParameterKind::RoomVersion:
            return "a room version, 1 to 12";
        case ParameterKind::FaultPoint: {
            const std::vector<std::string_view> points = list_fault_points();
            return "a fault point, one of " + joined(points);
        }
        case ParameterKind::Text:
            return "a text";
    }
    unreachable();
}

bool is_sound(const json::Value& value,
              const Parameter& parameter,
              const Step& step,
              const Scenario& scenario) {
    const std::string* text = value.if_string();
    const std::int64_t* integer = value.if_integer();
    switch (parameter.kind) {
        case ParameterKind::User:
            return text != nullptr && find_user(scenario, *text);
        case ParameterKind::Server:
            return text != nullptr && find_server(scenario, *text);
        case ParameterKind::Servers:
            return is_list_of_servers(value, scenario);
        case ParameterKind::Groups:
            return value.if_array() != nullptr &&
                   std::ranges::all_of(*value.if_array(), [&](const json::Value& group) {
                       return is_list_of_servers(group, scenario);
                   });
        case ParameterKind::Byzantine:
            return text != nullptr && find_byzantine_host(scenario, *text);
        case ParameterKind::Room:
            return text != nullptr && is_room_known(step, scenario, *text);
        case ParameterKind::NewRoom:
            return text != nullptr && !text->empty() && find_room(scenario, *text) == nullptr;
        case ParameterKind::Integer:
            return integer != nullptr && *integer >= parameter.least && *integer <= parameter.most;
        case ParameterKind::Option:
            return text != nullptr &&
                   std::ranges::find(parameter.options, *text) != parameter.options.end();
        case ParameterKind::RoomVersion:
            return text != nullptr && find_room_rules(*text) != nullptr;
        case ParameterKind::FaultPoint: {
            const std::vector<std::string_view> points = list_fault_points();
            return text != nullptr && std::ranges::find(points, *text) != points.end();
        }
        case ParameterKind::Text:
            return text != nullptr;
    }
    unreachable();
}

}  // namespace

std::string describe(const Parameter& parameter) {
    std::string text = std::string(parameter.name) + ": " + std::string(parameter.meaning);
    if (parameter.kind == ParameterKind::Integer) {
        text +=
            " (" + std::to_string(parameter.least) + " to " + std::to_string(parameter.most) + ")";
    }
    if (parameter.kind == ParameterKind::Option) text += " (" + joined(parameter.options) + ")";
    return text;
}

std::string_view name_of(VerbKind kind) {
    switch (kind) {
        case VerbKind::Operation:
            return "operation";
        case VerbKind::Fault:
            return "fault";
        case VerbKind::Byzantine:
            return "byzantine";
    }
    unreachable();
}

const std::vector<Verb>& all_verbs() {
    static const std::vector<Verb> kVerbs = [] {
        std::vector<Verb> verbs;
        for (const auto table : {operation_verbs(), fault_verbs(), byzantine_verbs()})
            verbs.insert(verbs.end(), table.begin(), table.end());
        return verbs;
    }();
    return kVerbs;
}

const Verb* find_verb(std::string_view name) {
    const auto place = std::ranges::find(all_verbs(), name, &Verb::name);
    return place == all_verbs().end() ? nullptr : &*place;
}

std::optional<std::string> find_fault_of(const Step& step, const Scenario& scenario) {
    const Verb* verb = find_verb(step.verb);
    if (verb == nullptr) {
        return "do: '" + step.verb + "' is no verb; `simulator list` shows all of them";
    }
    if (step.at_ms < 0 || step.at_ms > scenario.chaos_ms) {
        return "at_ms: expected an integer from 0 to chaos_ms (" +
               std::to_string(scenario.chaos_ms) + "), found " + std::to_string(step.at_ms);
    }
    for (const Parameter& parameter : verb->parameters) {
        const json::Value* value = step.arguments.find(parameter.name);
        if (value == nullptr && parameter.is_optional) continue;
        if (value != nullptr && is_sound(*value, parameter, step, scenario)) continue;
        return std::string(parameter.name) + ": expected " + expectation_of(parameter, scenario) +
               (value == nullptr ? ", found nothing" : ", found " + json::write(*value));
    }
    for (const json::Member& argument : step.arguments) {
        const auto known = std::ranges::find(verb->parameters, argument.key, &Parameter::name);
        if (known != verb->parameters.end()) continue;
        std::vector<std::string_view> names;
        for (const Parameter& parameter : verb->parameters)
            names.push_back(parameter.name);
        return argument.key + ": unknown; " + step.verb + " takes at_ms, " + joined(names);
    }
    return std::nullopt;
}

}  // namespace matrix::simulator
