#include "conformance/harness/target_description.h"

#include <algorithm>
#include <initializer_list>

#include <yaml-cpp/yaml.h>

#include "refserver/base/result_macros.h"

namespace matrix::conformance {
namespace {

using Checked = std::expected<void, DescriptionError>;

DescriptionError error_at(const YAML::Node& node, std::string key, std::string what) {
    return {.line = node.Mark().line + 1, .key = std::move(key), .what = std::move(what)};
}

std::string join_names(std::initializer_list<std::string_view> names) {
    std::string joined;
    for (const std::string_view name : names) {
        if (!joined.empty()) joined += ", ";
        joined += name;
    }
    return joined;
}

Checked check_keys(const YAML::Node& map,
                   const std::string& path,
                   std::initializer_list<std::string_view> known) {
    if (!map.IsMap()) return std::unexpected(error_at(map, path, "expected a map"));
    for (const auto& entry : map) {
        const auto key = entry.first.as<std::string>("");
        if (std::ranges::count(known, std::string_view(key)) == 0) {
            const std::string full = path.empty() ? key : path + "." + key;
            return std::unexpected(
                error_at(entry.first, full, "unknown key; expected one of " + join_names(known)));
        }
    }
    return {};
}

Checked read_string(const YAML::Node& map, const std::string& key, std::string& value) {
    const YAML::Node node = map[key];
    if (!node.IsDefined()) return {};
    if (!node.IsScalar()) return std::unexpected(error_at(node, key, "expected a string"));
    value = node.Scalar();
    return {};
}

Checked read_strings(const YAML::Node& map,
                     const std::string& key,
                     std::vector<std::string>& list) {
    const YAML::Node node = map[key];
    if (!node.IsDefined()) return {};
    if (!node.IsSequence() || node.size() == 0) {
        return std::unexpected(error_at(node, key, "expected a list of strings"));
    }
    for (const auto& element : node) {
        if (!element.IsScalar()) {
            return std::unexpected(error_at(element, key, "expected a list of strings"));
        }
        list.push_back(element.Scalar());
    }
    return {};
}

Checked read_map(const YAML::Node& parent,
                 const std::string& key,
                 std::map<std::string, std::string>& values) {
    const YAML::Node node = parent[key];
    if (!node.IsDefined()) return {};
    if (!node.IsMap()) return std::unexpected(error_at(node, key, "expected a map of strings"));
    for (const auto& entry : node) {
        const auto name = entry.first.as<std::string>("");
        if (!entry.second.IsScalar()) {
            return std::unexpected(error_at(entry.second, key + "." + name, "expected a string"));
        }
        values[name] = entry.second.Scalar();
    }
    return {};
}

Checked read_way(const YAML::Node& node, RegistrationDescription& registration) {
    std::string way = "open";
    RETURN_IF_ERROR(read_string(node, "way", way));
    static const std::map<std::string, RegistrationWay> kWays = {
        {"open", RegistrationWay::Open},
        {"shared_secret", RegistrationWay::SharedSecret},
        {"command", RegistrationWay::Command},
        {"users", RegistrationWay::Users},
    };
    const auto known = kWays.find(way);
    if (known == kWays.end()) {
        return std::unexpected(error_at(node["way"],
                                        "registration.way",
                                        "expected one of open, shared_secret, command, users"));
    }
    registration.way = known->second;
    return {};
}

Checked read_users(const YAML::Node& node, RegistrationDescription& registration) {
    const YAML::Node users = node["users"];
    if (!users.IsDefined()) return {};
    const char* expected = "expected a list of {name, password}";
    if (!users.IsSequence()) {
        return std::unexpected(error_at(users, "registration.users", expected));
    }
    for (const auto& user : users) {
        RETURN_IF_ERROR(check_keys(user, "registration.users", {"name", "password"}));
        std::pair<std::string, std::string> given;
        RETURN_IF_ERROR(read_string(user, "name", given.first));
        RETURN_IF_ERROR(read_string(user, "password", given.second));
        if (given.first.empty() || given.second.empty()) {
            return std::unexpected(error_at(user, "registration.users", expected));
        }
        registration.users.push_back(std::move(given));
    }
    return {};
}

Checked read_registration(const YAML::Node& root, RegistrationDescription& registration) {
    const YAML::Node node = root["registration"];
    if (!node.IsDefined()) return {};
    RETURN_IF_ERROR(check_keys(node, "registration", {"way", "shared_secret", "command", "users"}));
    RETURN_IF_ERROR(read_way(node, registration));
    RETURN_IF_ERROR(read_string(node, "shared_secret", registration.shared_secret));
    RETURN_IF_ERROR(read_strings(node, "command", registration.command));
    RETURN_IF_ERROR(read_users(node, registration));
    const auto missing = [&](const char* key) {
        return std::unexpected(error_at(
            node, std::string("registration.") + key, "this way of registration needs it"));
    };
    const RegistrationWay way = registration.way;
    if (way == RegistrationWay::SharedSecret && registration.shared_secret.empty()) {
        return missing("shared_secret");
    }
    if (way == RegistrationWay::Command && registration.command.empty()) return missing("command");
    if (way == RegistrationWay::Users && registration.users.empty()) return missing("users");
    return {};
}

Checked read_ready(const YAML::Node& root, TargetDescription& description) {
    const YAML::Node node = root["ready"];
    if (!node.IsDefined()) return {};
    RETURN_IF_ERROR(check_keys(node, "ready", {"way", "within_ms"}));
    std::string way = "http_get";
    RETURN_IF_ERROR(read_string(node, "way", way));
    if (way != "http_get" && way != "ready_line") {
        return std::unexpected(
            error_at(node["way"], "ready.way", "expected one of http_get, ready_line"));
    }
    description.ready = way == "http_get" ? ReadyWay::HttpGet : ReadyWay::ReadyLine;
    const YAML::Node within = node["within_ms"];
    if (!within.IsDefined()) return {};
    const int ms = within.IsScalar() ? within.as<int>(0) : 0;
    if (ms <= 0) {
        return std::unexpected(
            error_at(within, "ready.within_ms", "expected a positive number of milliseconds"));
    }
    description.ready_within = std::chrono::milliseconds(ms);
    return {};
}

Checked read_flags(const YAML::Node& root, TargetDescription& description) {
    const YAML::Node node = root["verify_tls"];
    if (!node.IsDefined()) return {};
    if (!node.IsScalar() || (node.Scalar() != "true" && node.Scalar() != "false")) {
        return std::unexpected(error_at(node, "verify_tls", "expected true or false"));
    }
    description.verifies_tls = node.Scalar() == "true";
    return {};
}

Checked read_description(const YAML::Node& root, TargetDescription& description) {
    RETURN_IF_ERROR(check_keys(root,
                               "",
                               {"name",
                                "command",
                                "environment",
                                "files",
                                "ready",
                                "url",
                                "server_name",
                                "spec_version",
                                "federation_url",
                                "registration",
                                "ca_file",
                                "verify_tls"}));
    RETURN_IF_ERROR(read_string(root, "name", description.name));
    RETURN_IF_ERROR(read_string(root, "url", description.url));
    RETURN_IF_ERROR(read_string(root, "server_name", description.server_name));
    RETURN_IF_ERROR(read_string(root, "spec_version", description.spec_version));
    RETURN_IF_ERROR(read_string(root, "federation_url", description.federation_url));
    RETURN_IF_ERROR(read_string(root, "ca_file", description.ca_file));
    RETURN_IF_ERROR(read_strings(root, "command", description.command));
    RETURN_IF_ERROR(read_map(root, "environment", description.environment));
    RETURN_IF_ERROR(read_map(root, "files", description.files));
    RETURN_IF_ERROR(read_ready(root, description));
    RETURN_IF_ERROR(read_flags(root, description));
    RETURN_IF_ERROR(read_registration(root, description.registration));
    const bool is_told_where = description.ready == ReadyWay::ReadyLine;
    if (is_told_where && description.command.empty()) {
        return std::unexpected(error_at(root["ready"], "command", "a ready line needs a command"));
    }
    if (!is_told_where && description.url.empty()) {
        return std::unexpected(error_at(root, "url", "expected the client API's base URL"));
    }
    return {};
}

}  // namespace

std::string to_string(const DescriptionError& error, std::string_view file) {
    std::string text(file);
    if (error.line > 0) text += ":" + std::to_string(error.line);
    text += ": ";
    if (!error.key.empty()) text += error.key + ": ";
    return text + error.what;
}

std::expected<TargetDescription, DescriptionError> parse_target_description(std::string_view yaml) {
    // yaml-cpp reports with exceptions, which end here.
    try {
        const YAML::Node root = YAML::Load(std::string(yaml));
        TargetDescription description;
        RETURN_IF_ERROR(read_description(root, description));
        return description;
    } catch (const YAML::Exception& error) {
        return std::unexpected(
            DescriptionError{.line = error.mark.line + 1, .key = "", .what = error.msg});
    }
}

std::expected<std::string, std::string> fill_placeholders(std::string_view text,
                                                          const Placeholders& values) {
    std::string filled;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '{') {
            filled += text[i];
            continue;
        }
        if (i + 1 < text.size() && text[i + 1] == '{') {
            filled += '{';
            ++i;
            continue;
        }
        const std::size_t end = std::min(text.find('}', i), text.size());
        const auto value = values.find(std::string(text.substr(i + 1, end - i - 1)));
        if (value == values.end()) return std::unexpected(std::string(text.substr(i, end - i + 1)));
        filled += value->second;
        i = end;
    }
    return filled;
}

}  // namespace matrix::conformance
