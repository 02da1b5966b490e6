#include "refserver/versions/room_version_file.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <ostream>
#include <set>
#include <sstream>
#include <utility>

#include <yaml-cpp/yaml.h>

#include "refserver/base/result_macros.h"
#include "refserver/versions/room_version_fields.h"

namespace matrix::versions {
namespace {

using Checked = std::expected<void, RoomVersionError>;

constexpr std::size_t kVersionCharactersMax = 32;

std::unexpected<RoomVersionError> refuse(const YAML::Node& node,
                                         std::string key,
                                         std::string expected) {
    const int line = node.IsDefined() ? node.Mark().line + 1 : 0;
    return std::unexpected(
        RoomVersionError{line, std::move(key), "expected " + std::move(expected)});
}

// --- The name and the base -----------------------------------------------------------------------

// Spec: https://spec.matrix.org/v1.19/rooms/#room-version-grammar
bool is_version_name(std::string_view name) {
    const auto is_any_of = [&](std::string_view others) {
        return
            [others](char c) { return (c >= '0' && c <= '9') || c == '.' || others.contains(c); };
    };
    const bool is_grammatical = std::ranges::all_of(name, is_any_of("abcdefghijklmnopqrstuvwxyz-"));
    const bool is_reserved = std::ranges::all_of(name, is_any_of(""));
    return name.size() <= kVersionCharactersMax && is_grammatical && !is_reserved;
}

std::expected<std::string, RoomVersionError> read_name(const YAML::Node& root) {
    const YAML::Node node = root["version"];
    if (!node.IsDefined() || !node.IsScalar() || !is_version_name(node.Scalar())) {
        return refuse(node,
                      "version",
                      "a name of up to 32 of a-z, 0-9, \".\" and \"-\", not of digits and dots "
                      "alone: those are Matrix's own");
    }
    if (find_room_rules(node.Scalar())) {
        return refuse(
            node, "version", "a name that no other file has, not \"" + node.Scalar() + '"');
    }
    return node.Scalar();
}

std::expected<RoomRules, RoomVersionError> read_base(const YAML::Node& root) {
    const YAML::Node node = root["base"];
    const RoomRules* base =
        node.IsDefined() && node.IsScalar() ? find_room_rules(node.Scalar()) : nullptr;
    if (!base || base->is_custom()) return refuse(node, "base", "a room version from 1 to 12");
    return *base;
}

// --- Fields --------------------------------------------------------------------------------------

// The key of an entry; where it stands is where the entry is.
YAML::Node find_key(const YAML::Node& map, const std::string& name) {
    for (const auto& entry : map) {
        if (entry.first.as<std::string>("") == name) return entry.first;
    }
    return YAML::Node(YAML::NodeType::Undefined);
}

Checked read_field(const YAML::Node& map, const RuleField& field, RoomRules& rules) {
    const YAML::Node node = map[field.name];
    if (!node.IsDefined()) return {};
    const YAML::Node key = find_key(map, field.name);
    if (node.IsSequence() != field.is_list || node.IsMap()) {
        return refuse(key, field.key(), field.is_list ? "a list" : "a value");
    }
    std::vector<std::string> words;
    if (!field.is_list) words.push_back(node.IsNull() ? "" : node.Scalar());
    for (const YAML::Node& element : field.is_list ? node : YAML::Node()) {
        if (!element.IsScalar()) return refuse(element, field.key(), "a list of names");
        words.push_back(element.Scalar());
    }
    auto set = field.set(words, rules);
    if (!set) return refuse(key, field.key(), std::move(set).error());
    return {};
}

std::string list_known(std::string_view group) {
    std::string list = group.empty() ? "version, base, redaction, resolution_steps" : "";
    for (const RuleField& field : rule_fields()) {
        if (field.group == group) list += (list.empty() ? "" : ", ") + field.name;
    }
    return list;
}

bool is_known(std::string_view group, const std::string& name) {
    static const std::set<std::string> kOthers = {
        "version", "base", "redaction", "resolution_steps"};
    if (group.empty() && kOthers.contains(name)) return true;
    return std::ranges::any_of(rule_fields(), [&](const RuleField& field) {
        return field.group == group && field.name == name;
    });
}

Checked check_keys(const YAML::Node& map, const std::string& group) {
    if (!map.IsMap()) return refuse(map, group, "a map");
    std::set<std::string> seen;
    for (const auto& entry : map) {
        const auto name = entry.first.as<std::string>("");
        const std::string key = group.empty() ? name : group + '.' + name;
        if (!is_known(group, name)) {
            return refuse(entry.first, key, "one of the fields " + list_known(group));
        }
        if (!seen.insert(name).second) return refuse(entry.first, key, "each field once");
    }
    return {};
}

// In the order of the table, so that the algorithm comes before its steps.
Checked read_fields(const YAML::Node& root, RoomRules& rules) {
    for (const char* group : {"redaction", "resolution_steps"}) {
        if (!root[group].IsDefined()) continue;
        RETURN_IF_ERROR(check_keys(root[group], group));
    }
    for (const RuleField& field : rule_fields()) {
        const YAML::Node map = field.group.empty() ? root : root[field.group];
        if (!map.IsDefined()) continue;
        RETURN_IF_ERROR(read_field(map, field, rules));
    }
    return {};
}

// At the line of the field if the file has it; else it follows from what others say.
Checked check_together(const YAML::Node& root, const RoomRules& rules) {
    const auto contradiction = find_contradiction(rules);
    if (!contradiction) return {};
    const std::string key(contradiction->key);
    return refuse(find_key(root, key), key, std::string(contradiction->expected));
}

std::expected<RoomVersion, RoomVersionError> read_version(const YAML::Node& root) {
    RETURN_IF_ERROR(check_keys(root, ""));
    ASSIGN_OR_RETURN(std::string name, read_name(root));
    ASSIGN_OR_RETURN(RoomRules rules, read_base(root));
    RETURN_IF_ERROR(read_fields(root, rules));
    RETURN_IF_ERROR(check_together(root, rules));
    rules.version = {};
    return RoomVersion{std::move(name), rules};
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const RoomVersionError& error) {
    if (error.line > 0) out << error.line << ": ";
    if (!error.key.empty()) out << error.key << ": ";
    return out << error.what;
}

std::expected<RoomVersion, RoomVersionError> parse_room_version(std::string_view yaml) {
    if (yaml.size() > kRoomVersionFileMaxBytes) {
        return std::unexpected(RoomVersionError{
            0, "", "expected at most " + std::to_string(kRoomVersionFileMaxBytes) + " bytes"});
    }
    try {
        return read_version(YAML::Load(std::string(yaml)));
    } catch (const YAML::Exception& error) {
        return std::unexpected(
            RoomVersionError{error.mark.line + 1, "", "expected YAML: " + error.msg});
    }
}

std::expected<Registrations, std::string> register_files(std::span<const std::string> paths) {
    Registrations registrations;
    for (const std::string& path : paths) {
        std::ifstream file(path, std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        if (!file.is_open() || file.bad()) {
            return std::unexpected(path + ": expected a file that can be read");
        }
        auto version = parse_room_version(text);
        if (!version) {
            std::ostringstream what;
            what << path << ':' << version.error();
            return std::unexpected(what.str());
        }
        registrations.push_back(
            std::make_unique<RegisteredRoomRules>(std::move(version->name), version->rules));
    }
    return registrations;
}

std::vector<RuleChange> list_changes(const RoomRules& before, const RoomRules& after) {
    std::vector<RuleChange> changes;
    for (const RuleField& field : rule_fields()) {
        RuleChange change = {field.key(), field.tell(before), field.tell(after)};
        if (change.before != change.after) changes.push_back(std::move(change));
    }
    return changes;
}

std::string describe(const RoomRules& rules) {
    std::string text(rules.version);
    if (!rules.is_custom()) return text;
    text += " (" + std::string(rules.base);
    const char* before = ", but ";
    for (const RuleChange& change : list_changes(*find_room_rules(rules.base), rules)) {
        text += before + change.key + ' ' + change.after;
        before = ", ";
    }
    return text + ')';
}

}  // namespace matrix::versions
