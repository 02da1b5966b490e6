#include "simulator/scenario/scenario_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>
#include <utility>

#include <yaml-cpp/yaml.h>

#include "refserver/protocol/room_rules.h"
#include "simulator/scenario/verbs.h"

namespace matrix::simulator {
namespace {

constexpr std::int64_t kServersMax = 2000;
constexpr std::int64_t kUsersMax = 1000;
constexpr std::int64_t kByzantineMax = 100;
constexpr std::int64_t kChaosMsMax = std::int64_t{30} * 24 * 3600 * 1000;
constexpr std::int64_t kLatencyMsMax = 600'000;
constexpr std::size_t kFileBytesMax = 256 * 1024 * 1024;

// Where something stands and what is wrong with it; thrown and caught in this file alone, beside
// yaml-cpp's own exceptions.
struct ScenarioError {
    int line;
    std::string what;
};

[[noreturn]] void refuse(const YAML::Node& node, const std::string& what) {
    throw ScenarioError{node.Mark().line + 1, what};
}

std::string found(const YAML::Node& node) {
    if (node.IsScalar()) return "found '" + node.Scalar() + "'";
    if (node.IsSequence()) return "found a list";
    if (node.IsMap()) return "found a map";
    return "found nothing";
}

template <class Integer>
std::optional<Integer> parse_integer(const YAML::Node& node) {
    if (!node.IsScalar()) return std::nullopt;
    const std::string& text = node.Scalar();
    Integer number{};
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
    return number;
}

std::int64_t read_integer(const YAML::Node& node,
                          const std::string& key,
                          std::int64_t least,
                          std::int64_t most) {
    const auto number = parse_integer<std::int64_t>(node);
    if (number && *number >= least && *number <= most) return *number;
    refuse(node,
           key + ": expected an integer from " + std::to_string(least) + " to " +
               std::to_string(most) + ", " + found(node));
}

std::uint64_t read_number(const YAML::Node& node, const std::string& key) {
    if (const auto number = parse_integer<std::uint64_t>(node)) return *number;
    refuse(node, key + ": expected an integer of 64 bits without a sign, " + found(node));
}

std::string read_text(const YAML::Node& node, const std::string& key) {
    if (node.IsScalar()) return node.Scalar();
    refuse(node, key + ": expected a text, " + found(node));
}

void expect_list(const YAML::Node& node, const std::string& key) {
    if (!node.IsSequence()) refuse(node, key + ": expected a list, " + found(node));
}

std::string indexed(const std::string& key, std::size_t index) {
    return key + "[" + std::to_string(index) + "]";
}

std::vector<std::string> read_texts(const YAML::Node& node, const std::string& key) {
    expect_list(node, key);
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < node.size(); ++i)
        texts.push_back(read_text(node[i], indexed(key, i)));
    return texts;
}

void expect_map(const YAML::Node& node, const std::string& key) {
    if (!node.IsMap()) refuse(node, key + ": expected a map, " + found(node));
}

// Calls the reader of each key; unknown and repeated keys are refused.
using Readers = std::map<std::string, std::function<void(const YAML::Node&, const std::string&)>>;
void read_map(const YAML::Node& node, const std::string& path, const Readers& readers) {
    expect_map(node, path.empty() ? "the file" : path);
    std::set<std::string> seen;
    for (const auto& entry : node) {
        const std::string name = read_text(entry.first, path + ": a key");
        const std::string key = path.empty() ? name : path + "." + name;
        const auto reader = readers.find(name);
        if (reader == readers.end()) {
            std::string names;
            for (const auto& [known, unused] : readers)
                names += (names.empty() ? "" : ", ") + known;
            refuse(entry.first, key + ": unknown key; expected one of " + names);
        }
        if (!seen.insert(name).second) refuse(entry.first, key + ": the key is repeated");
        reader->second(entry.second, key);
    }
}

json::Value read_argument(const YAML::Node& node, const Parameter* parameter) {
    if (node.IsSequence()) {
        json::Array items;
        for (const YAML::Node& item : node)
            items.push_back(read_argument(item, nullptr));
        return json::Value(std::move(items));
    }
    if (!node.IsScalar()) return {};
    if (parameter != nullptr && parameter->kind == ParameterKind::Integer) {
        if (const auto integer = parse_integer<std::int64_t>(node)) return *integer;
    }
    return node.Scalar();
}

Step read_step(const YAML::Node& node, const std::string& path) {
    expect_map(node, path);
    Step step;
    if (!node["do"]) refuse(node, path + ".do: expected a verb, found nothing");
    step.verb = read_text(node["do"], path + ".do");
    if (!node["at_ms"]) refuse(node, path + ".at_ms: expected an integer, found nothing");
    step.at_ms = read_integer(node["at_ms"], path + ".at_ms", 0, kChaosMsMax);
    const Verb* verb = find_verb(step.verb);
    for (const auto& entry : node) {
        const std::string name = read_text(entry.first, path + ": a key");
        if (name == "do" || name == "at_ms") continue;
        if (step.has(name)) refuse(entry.first, path + "." + name + ": the key is repeated");
        const Parameter* parameter = nullptr;
        if (verb != nullptr) {
            const auto place = std::ranges::find(verb->parameters, name, &Parameter::name);
            if (place != verb->parameters.end()) parameter = &*place;
        }
        step.arguments.set(name, read_argument(entry.second, parameter));
    }
    return step;
}

RoomPlan read_room(const YAML::Node& node, const std::string& path) {
    RoomPlan room;
    const auto text = [](std::string& out) {
        return [&out](const YAML::Node& value, const std::string& key) {
            out = read_text(value, key);
        };
    };
    read_map(node,
             path,
             {{"name", text(room.name)},
              {"version", text(room.version)},
              {"creator", text(room.creator)},
              {"preset", text(room.preset)},
              {"type", text(room.type)},
              {"levels",
               [&](const YAML::Node& levels, const std::string& key) {
                   expect_map(levels, key);
                   for (const auto& level : levels) {
                       const std::string user = read_text(level.first, key);
                       room.levels[user] = read_integer(
                           level.second, key + "." + user, json::kIntegerMin, json::kIntegerMax);
                   }
               }},
              {"members", [&](const YAML::Node& members, const std::string& key) {
                   room.members = read_texts(members, key);
               }}});
    return room;
}

void read_link(const YAML::Node& node, const std::string& path, LinkOptions& link) {
    read_map(node,
             path,
             {{"latency_ms",
               [&](const YAML::Node& range, const std::string& key) {
                   expect_list(range, key);
                   if (range.size() != 2) refuse(range, key + ": expected [least, most]");
                   link.latency_us_min =
                       read_integer(range[0], indexed(key, 0), 0, kLatencyMsMax) * 1000;
                   link.latency_us_max =
                       read_integer(range[1], indexed(key, 1), 0, kLatencyMsMax) * 1000;
                   if (link.latency_us_max < link.latency_us_min)
                       refuse(range, key + ": expected [least, most], the greater one last");
               }},
              {"shape",
               [&](const YAML::Node& value, const std::string& key) {
                   const auto shape = std::ranges::find(kLatencyShapes, read_text(value, key));
                   if (shape == kLatencyShapes.end())
                       refuse(value,
                              key + ": expected constant, uniform, mostly_short or long_tail");
                   link.shape = static_cast<LatencyShape>(shape - kLatencyShapes.begin());
               }},
              {"loss_one_in", [&](const YAML::Node& value, const std::string& key) {
                   link.loss_one_in = read_number(value, key);
               }}});
}

ChoiceRecord read_choices(const YAML::Node& node, const std::string& path) {
    ChoiceRecord record;
    expect_map(node, path);
    for (const auto& entry : node) {
        const std::string stream = read_text(entry.first, path + ": a key");
        const std::string key = path + "." + stream;
        expect_list(entry.second, key);
        for (const YAML::Node& number : entry.second)
            record[stream].push_back(read_number(number, key));
    }
    return record;
}

// What is wrong, behind the key that is wrong; the steps are looked at by `read_document`.
std::optional<std::string> find_fault_of_rooms(const Scenario& scenario) {
    constexpr std::array<std::string_view, 3> kPresets = {
        "public_chat", "private_chat", "trusted_private_chat"};
    std::set<std::string> names;
    for (std::size_t i = 0; i < scenario.rooms.size(); ++i) {
        const RoomPlan& room = scenario.rooms[i];
        const std::string key = indexed("rooms", i);
        if (room.name.empty() || !names.insert(room.name).second)
            return key + ".name: expected a name that no other room has";
        if (find_room_rules(room.version) == nullptr)
            return key + ".version: expected a room version, 1 to 12, found '" + room.version + "'";
        if (!find_user(scenario, room.creator))
            return key + ".creator: expected a user of the scenario, found '" + room.creator + "'";
        if (std::ranges::find(kPresets, room.preset) == kPresets.end())
            return key + ".preset: expected public_chat, private_chat or trusted_private_chat";
        for (const auto& [user, level] : room.levels) {
            if (!find_user(scenario, user))
                return key + ".levels: expected users of the scenario, found '" + user + "'";
        }
        if (!room.members) continue;
        for (const std::string& user : *room.members) {
            if (!find_user(scenario, user))
                return key + ".members: expected users of the scenario, found '" + user + "'";
        }
    }
    return std::nullopt;
}

std::optional<std::string> find_fault_of_syncing(const Scenario& scenario) {
    std::set<std::string> seen;
    for (std::size_t i = 0; i < scenario.syncing.size(); ++i) {
        const std::string& user = scenario.syncing[i];
        if (!find_user(scenario, user) || !seen.insert(user).second)
            return indexed("syncing", i) +
                   ": expected a user of the scenario who is not in the list yet, found '" + user +
                   "'";
    }
    return std::nullopt;
}

// Of everything but the timeline.
std::optional<std::string> find_fault_of_world(const Scenario& scenario) {
    if (scenario.servers < 1 || scenario.servers > kServersMax)
        return "servers: expected an integer from 1 to " + std::to_string(kServersMax);
    if (scenario.users_per_server < 1 || scenario.users_per_server > kUsersMax)
        return "users_per_server: expected an integer from 1 to " + std::to_string(kUsersMax);
    if (auto fault = find_fault_of_syncing(scenario)) return fault;
    return find_fault_of_rooms(scenario);
}

auto integer_reader(int& out, std::int64_t least, std::int64_t most) {
    return [&out, least, most](const YAML::Node& node, const std::string& key) {
        out = static_cast<int>(read_integer(node, key, least, most));
    };
}

auto text_reader(std::string& out) {
    return [&out](const YAML::Node& node, const std::string& key) { out = read_text(node, key); };
}

std::vector<RoomPlan> read_rooms(const YAML::Node& node, const std::string& key) {
    expect_list(node, key);
    std::vector<RoomPlan> rooms;
    for (std::size_t i = 0; i < node.size(); ++i)
        rooms.push_back(read_room(node[i], indexed(key, i)));
    return rooms;
}

std::map<std::string, std::uint64_t> read_minima(const YAML::Node& node, const std::string& key) {
    expect_map(node, key);
    std::map<std::string, std::uint64_t> minima;
    for (const auto& entry : node) {
        const std::string metric = read_text(entry.first, key);
        minima[metric] = read_number(entry.second, key + "." + metric);
    }
    return minima;
}

// What each key of a file says; the timeline is kept for the time when everything else is known.
struct Document {
    Scenario scenario;
    std::string format;
    YAML::Node timeline;

    Readers readers() {
        using Node = const YAML::Node&;
        using Key = const std::string&;
        return {
            {"touchstone", text_reader(format)},
            {"name", text_reader(scenario.name)},
            {"description", text_reader(scenario.description)},
            {"servers", integer_reader(scenario.servers, 1, kServersMax)},
            {"users_per_server", integer_reader(scenario.users_per_server, 1, kUsersMax)},
            {"byzantine_hosts", integer_reader(scenario.byzantine_hosts, 0, kByzantineMax)},
            {"chaos_ms",
             [this](Node node, Key key) {
                 scenario.chaos_ms = read_integer(node, key, 0, kChaosMsMax);
             }},
            {"identity_seed",
             [this](Node node, Key key) { scenario.identity_seed = read_number(node, key); }},
            {"seed", [this](Node node, Key key) { scenario.seed = read_number(node, key); }},
            {"link", [this](Node node, Key key) { read_link(node, key, scenario.link); }},
            {"choices", [this](Node node, Key key) { scenario.choices = read_choices(node, key); }},
            {"rooms", [this](Node node, Key key) { scenario.rooms = read_rooms(node, key); }},
            {"syncing", [this](Node node, Key key) { scenario.syncing = read_texts(node, key); }},
            {"at_least",
             [this](Node node, Key key) { scenario.at_least = read_minima(node, key); }},
            {"timeline",
             [this](Node node, Key key) {
                 expect_list(node, key);
                 timeline.reset(node);
             }},
        };
    }
};

Scenario read_document(const YAML::Node& root) {
    Document document;
    read_map(root, "", document.readers());
    if (document.format != kScenarioFormat) {
        refuse(root,
               "touchstone: expected " + std::string(kScenarioFormat) +
                   (document.format.empty() ? ", found nothing"
                                            : ", found '" + document.format + "'"));
    }
    Scenario& scenario = document.scenario;
    const YAML::Node& timeline = document.timeline;
    if (const auto fault = find_fault_of_world(scenario)) refuse(root, *fault);
    for (std::size_t i = 0; i < timeline.size(); ++i)
        scenario.timeline.push_back(read_step(timeline[i], indexed("timeline", i)));
    for (std::size_t i = 0; i < timeline.size(); ++i) {
        if (const auto fault = find_fault_of(scenario.timeline[i], scenario))
            refuse(timeline[i], indexed("timeline", i) + "." + *fault);
    }
    sort_timeline(scenario);
    return std::move(scenario);
}

}  // namespace

std::optional<std::string> find_fault_of(const Scenario& scenario) {
    if (auto fault = find_fault_of_world(scenario)) return fault;
    for (std::size_t i = 0; i < scenario.timeline.size(); ++i) {
        if (auto fault = find_fault_of(scenario.timeline[i], scenario))
            return indexed("timeline", i) + "." + *fault;
    }
    return std::nullopt;
}

std::expected<Scenario, std::string> parse_scenario(std::string_view yaml, std::string_view name) {
    const std::string file(name);
    try {
        return read_document(YAML::Load(std::string(yaml)));
    } catch (const ScenarioError& error) {
        return std::unexpected(file + ":" + std::to_string(error.line) + ": " + error.what);
    } catch (const YAML::Exception& error) {
        return std::unexpected(file + ":" + std::to_string(error.mark.line + 1) + ": " + error.msg);
    }
}

std::expected<Scenario, std::string> read_scenario(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    if (!in || !(text << in.rdbuf())) return std::unexpected(path + ": cannot be read");
    if (text.view().size() > kFileBytesMax) return std::unexpected(path + ": is too large");
    return parse_scenario(text.view(), path);
}

namespace {

void write_value(YAML::Emitter& out, const json::Value& value) {
    if (const json::Array* items = value.if_array()) {
        out << YAML::BeginSeq;
        for (const json::Value& item : *items)
            write_value(out, item);
        out << YAML::EndSeq;
    } else if (const std::int64_t* integer = value.if_integer()) {
        out << *integer;
    } else if (const std::string* text = value.if_string()) {
        out << YAML::DoubleQuoted << *text;
    } else {
        unreachable();  // No parameter is of another type.
    }
}

void write_step(YAML::Emitter& out, const Step& step) {
    out << YAML::Flow << YAML::BeginMap;
    out << YAML::Key << "at_ms" << YAML::Value << step.at_ms;
    out << YAML::Key << "do" << YAML::Value << step.verb;
    for (const json::Member& argument : step.arguments) {
        out << YAML::Key << argument.key << YAML::Value;
        write_value(out, argument.value);
    }
    out << YAML::EndMap;
}

void write_room(YAML::Emitter& out, const RoomPlan& room) {
    out << YAML::BeginMap;
    out << YAML::Key << "name" << YAML::Value << YAML::DoubleQuoted << room.name;
    out << YAML::Key << "version" << YAML::Value << YAML::DoubleQuoted << room.version;
    out << YAML::Key << "creator" << YAML::Value << YAML::DoubleQuoted << room.creator;
    out << YAML::Key << "preset" << YAML::Value << room.preset;
    if (!room.type.empty()) out << YAML::Key << "type" << YAML::Value << room.type;
    if (!room.levels.empty()) {
        out << YAML::Key << "levels" << YAML::Value << YAML::Flow << YAML::BeginMap;
        for (const auto& [user, level] : room.levels)
            out << YAML::Key << YAML::DoubleQuoted << user << YAML::Value << level;
        out << YAML::EndMap;
    }
    if (room.members) {
        out << YAML::Key << "members" << YAML::Value << YAML::Flow << YAML::BeginSeq;
        for (const std::string& user : *room.members)
            out << YAML::DoubleQuoted << user;
        out << YAML::EndSeq;
    }
    out << YAML::EndMap;
}

void write_lists(YAML::Emitter& out, const Scenario& scenario) {
    out << YAML::Key << "rooms" << YAML::Value << YAML::BeginSeq;
    for (const RoomPlan& room : scenario.rooms)
        write_room(out, room);
    out << YAML::EndSeq;
    out << YAML::Key << "timeline" << YAML::Value << YAML::BeginSeq;
    for (const Step& step : scenario.timeline)
        write_step(out, step);
    out << YAML::EndSeq;
    if (!scenario.syncing.empty())
        out << YAML::Key << "syncing" << YAML::Value << YAML::Flow << scenario.syncing;
    if (!scenario.at_least.empty()) {
        out << YAML::Key << "at_least" << YAML::Value << YAML::BeginMap;
        for (const auto& [metric, least] : scenario.at_least)
            out << YAML::Key << metric << YAML::Value << least;
        out << YAML::EndMap;
    }
    if (!scenario.choices.empty()) {
        out << YAML::Key << "choices" << YAML::Value << YAML::BeginMap;
        for (const auto& [stream, numbers] : scenario.choices) {
            out << YAML::Key << YAML::DoubleQuoted << stream << YAML::Value << YAML::Flow
                << YAML::BeginSeq;
            for (const std::uint64_t number : numbers)
                out << number;
            out << YAML::EndSeq;
        }
        out << YAML::EndMap;
    }
}

}  // namespace

std::string write_scenario(const Scenario& scenario) {
    YAML::Emitter out;
    out << YAML::BeginMap;
    out << YAML::Key << "touchstone" << YAML::Value << std::string(kScenarioFormat);
    out << YAML::Key << "name" << YAML::Value << YAML::DoubleQuoted << scenario.name;
    if (!scenario.description.empty()) {
        out << YAML::Key << "description" << YAML::Value << YAML::DoubleQuoted
            << scenario.description;
    }
    out << YAML::Key << "servers" << YAML::Value << scenario.servers;
    out << YAML::Key << "users_per_server" << YAML::Value << scenario.users_per_server;
    out << YAML::Key << "byzantine_hosts" << YAML::Value << scenario.byzantine_hosts;
    out << YAML::Key << "identity_seed" << YAML::Value << scenario.identity_seed;
    if (scenario.seed) out << YAML::Key << "seed" << YAML::Value << *scenario.seed;
    out << YAML::Key << "chaos_ms" << YAML::Value << scenario.chaos_ms;
    out << YAML::Key << "link" << YAML::Value << YAML::Flow << YAML::BeginMap;
    out << YAML::Key << "latency_ms" << YAML::Value << YAML::BeginSeq
        << scenario.link.latency_us_min / 1000 << scenario.link.latency_us_max / 1000
        << YAML::EndSeq;
    out << YAML::Key << "shape" << YAML::Value
        << std::string(kLatencyShapes[static_cast<std::size_t>(scenario.link.shape)]);
    out << YAML::Key << "loss_one_in" << YAML::Value << scenario.link.loss_one_in << YAML::EndMap;
    write_lists(out, scenario);
    out << YAML::EndMap;
    return std::string(out.c_str()) + "\n";
}

}  // namespace matrix::simulator
