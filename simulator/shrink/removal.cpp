#include "simulator/shrink/removal.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "refserver/protocol/room_rules.h"
#include "simulator/scenario/scenario_file.h"
#include "simulator/scenario/verbs.h"

namespace matrix::simulator {
namespace {

using Name = std::optional<std::string>;

/// What becomes of the names of a scenario: users, servers and Byzantine hosts share one map, since
/// no two of them look alike. A name that maps to nothing is gone.
class NewNames {
public:
    void set(std::string old_name, Name new_name) {
        names_.emplace(std::move(old_name), std::move(new_name));
    }
    Name of(const std::string& name) const {
        const auto place = names_.find(name);
        return place == names_.end() ? Name(name) : place->second;
    }

private:
    std::map<std::string, Name> names_;
};

json::Array renamed_list(const json::Array& list, const NewNames& names) {
    json::Array kept;
    for (const json::Value& item : list) {
        if (const Name name = names.of(*item.if_string())) kept.emplace_back(*name);
    }
    return kept;
}

// Groups without members go; nothing if less than two are left.
std::optional<json::Value> renamed_groups(const json::Array& groups, const NewNames& names) {
    json::Array kept;
    for (const json::Value& group : groups) {
        json::Array members = renamed_list(*group.if_array(), names);
        if (!members.empty()) kept.emplace_back(std::move(members));
    }
    if (kept.size() < 2) return std::nullopt;
    return json::Value(std::move(kept));
}

std::optional<json::Value> renamed_argument(const json::Value& value,
                                            ParameterKind kind,
                                            const NewNames& names) {
    switch (kind) {
        case ParameterKind::User:
        case ParameterKind::Server:
        case ParameterKind::Byzantine: {
            const Name name = names.of(*value.if_string());
            return name ? std::optional<json::Value>(*name) : std::nullopt;
        }
        case ParameterKind::Servers: {
            json::Array kept = renamed_list(*value.if_array(), names);
            if (kept.empty()) return std::nullopt;
            return json::Value(std::move(kept));
        }
        case ParameterKind::Groups:
            return renamed_groups(*value.if_array(), names);
        case ParameterKind::Room:
        case ParameterKind::NewRoom:
        case ParameterKind::RoomVersion:
        case ParameterKind::FaultPoint:
        case ParameterKind::Integer:
        case ParameterKind::Option:
        case ParameterKind::Text:
            return value;
    }
    unreachable();
}

// Nothing: the step is about what is gone.
std::optional<Step> renamed_step(const Step& step, const NewNames& names) {
    const Verb* verb = find_verb(step.verb);
    Step renamed{.at_ms = step.at_ms, .verb = step.verb, .arguments = {}};
    for (const Parameter& parameter : verb->parameters) {
        const json::Value* value = step.arguments.find(parameter.name);
        if (value == nullptr) continue;
        auto argument = renamed_argument(*value, parameter.kind, names);
        if (!argument && !parameter.is_optional) return std::nullopt;
        if (argument) renamed.arguments.set(parameter.name, std::move(*argument));
    }
    return renamed;
}

RoomPlan renamed_room(RoomPlan room, const NewNames& names) {
    for (auto& [user, level] : std::exchange(room.levels, {})) {
        if (const Name name = names.of(user)) room.levels[*name] = level;
    }
    // A room outlives its creator: the first user made it instead.
    set_creator(room, names.of(room.creator).value_or(name_of_user(0, 0)));
    if (!room.members) return room;
    std::vector<std::string> members;
    for (const std::string& user : *room.members) {
        if (Name name = names.of(user)) members.push_back(std::move(*name));
    }
    room.members = std::move(members);
    return room;
}

// Names of streams are words, some of which are names: "s1.test to s2.test".
Name renamed_stream(std::string_view stream, const NewNames& names) {
    std::string renamed;
    while (true) {
        const std::size_t end = std::min(stream.find(' '), stream.size());
        const Name name = names.of(std::string(stream.substr(0, end)));
        if (!name) return std::nullopt;
        renamed += *name;
        if (end == stream.size()) return renamed;
        renamed += ' ';
        stream.remove_prefix(end + 1);
    }
}

void rename_all(Scenario& scenario, const NewNames& names) {
    for (RoomPlan& room : scenario.rooms)
        room = renamed_room(std::move(room), names);
    for (const std::string& user : std::exchange(scenario.syncing, {})) {
        if (const Name name = names.of(user)) scenario.syncing.push_back(*name);
    }
    for (const Step& step : std::exchange(scenario.timeline, {})) {
        if (auto renamed = renamed_step(step, names))
            scenario.timeline.push_back(std::move(*renamed));
    }
    for (auto& [stream, numbers] : std::exchange(scenario.choices, {})) {
        if (const Name name = renamed_stream(stream, names))
            scenario.choices[*name] = std::move(numbers);
    }
}

// Steps may be unsound now, in a room that nobody makes: they go too, until all are sound.
std::optional<Scenario> only_sound(Scenario scenario) {
    while (true) {
        const std::size_t before = scenario.timeline.size();
        const Scenario whole = scenario;
        std::erase_if(scenario.timeline,
                      [&](const Step& step) { return find_fault_of(step, whole).has_value(); });
        if (scenario.timeline.size() == before) break;
    }
    if (find_fault_of(scenario)) return std::nullopt;
    return scenario;
}

}  // namespace

void set_creator(RoomPlan& room, std::string creator) {
    if (find_room_rules(room.version)->has_privileged_creators) room.levels.erase(creator);
    room.creator = std::move(creator);
}

std::optional<Scenario> without_servers(const Scenario& scenario, Places servers) {
    Scenario result = scenario;
    NewNames names;
    int next = 0;
    for (int number = 0; number < scenario.servers; ++number) {
        const bool is_gone = servers.contains(static_cast<std::size_t>(number));
        names.set(name_of_server(number), is_gone ? Name() : name_of_server(next));
        for (int user = 0; user < scenario.users_per_server; ++user)
            names.set(name_of_user(number, user), is_gone ? Name() : name_of_user(next, user));
        if (!is_gone) ++next;
    }
    result.servers = next;
    if (next < 1) return std::nullopt;
    rename_all(result, names);
    return only_sound(std::move(result));
}

std::optional<Scenario> with_fewer_users(const Scenario& scenario, int users_per_server) {
    if (users_per_server < 1 || users_per_server >= scenario.users_per_server) return std::nullopt;
    Scenario result = scenario;
    NewNames names;
    for (int number = 0; number < scenario.servers; ++number) {
        for (int user = users_per_server; user < scenario.users_per_server; ++user)
            names.set(name_of_user(number, user), std::nullopt);
    }
    result.users_per_server = users_per_server;
    rename_all(result, names);
    return only_sound(std::move(result));
}

std::optional<Scenario> without_byzantine_hosts(const Scenario& scenario, Places hosts) {
    Scenario result = scenario;
    NewNames names;
    int next = 0;
    for (int number = 0; number < scenario.byzantine_hosts; ++number) {
        const bool is_gone = hosts.contains(static_cast<std::size_t>(number));
        names.set(name_of_byzantine_host(number), is_gone ? Name() : name_of_byzantine_host(next));
        if (!is_gone) ++next;
    }
    result.byzantine_hosts = next;
    rename_all(result, names);
    return only_sound(std::move(result));
}

std::optional<Scenario> without_rooms(const Scenario& scenario, Places rooms) {
    Scenario result = scenario;
    result.rooms.clear();
    for (std::size_t place = 0; place < scenario.rooms.size(); ++place) {
        if (!rooms.contains(place)) result.rooms.push_back(scenario.rooms[place]);
    }
    return only_sound(std::move(result));
}

std::optional<Scenario> without_steps(const Scenario& scenario, Places steps) {
    Scenario result = scenario;
    result.timeline.clear();
    for (std::size_t place = 0; place < scenario.timeline.size(); ++place) {
        if (!steps.contains(place)) result.timeline.push_back(scenario.timeline[place]);
    }
    return only_sound(std::move(result));
}

std::optional<Scenario> with_shorter_chaos(const Scenario& scenario, std::int64_t chaos_ms) {
    if (chaos_ms < 0 || chaos_ms >= scenario.chaos_ms) return std::nullopt;
    Scenario result = scenario;
    result.chaos_ms = chaos_ms;
    std::erase_if(result.timeline, [&](const Step& step) { return step.at_ms > chaos_ms; });
    return only_sound(std::move(result));
}

}  // namespace matrix::simulator
