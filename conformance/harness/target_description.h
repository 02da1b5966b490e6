// A target file: how to start or reach a homeserver, as YAML.
//
// Schema: fixtures/schemas/target.json. `conformance/targets/` holds examples.
#pragma once

#include <chrono>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace matrix::conformance {

enum class RegistrationWay {
    Open,          ///< POST /register with m.login.dummy.
    SharedSecret,  ///< /_synapse/admin/v1/register.
    Command,       ///< A command of the target, once for each user.
    Users,         ///< A given list of names and passwords, used up one after the other.
};

struct RegistrationDescription {
    RegistrationWay way = RegistrationWay::Open;
    std::string shared_secret;
    std::vector<std::string> command;  ///< With {user} and {password}.
    std::vector<std::pair<std::string, std::string>> users;
};

enum class ReadyWay {
    HttpGet,    ///< The client API answers GET /versions.
    ReadyLine,  ///< The first line of its output is refserver's JSON ready line.
};

struct TargetDescription {
    std::string name;         ///< For people.
    std::string url;          ///< Of the client API; placeholders are allowed.
    std::string server_name;  ///< Empty: asked from the server.
    std::string federation_url;
    std::string spec_version;  ///< Judged by it also where /versions claims less; empty: not.
    std::vector<std::string> command;  ///< Empty: the server runs already.
    std::map<std::string, std::string> environment;
    /// Files to write into {work_dir} before the start: name and content, with placeholders.
    std::map<std::string, std::string> files;
    ReadyWay ready = ReadyWay::HttpGet;
    std::chrono::milliseconds ready_within{30'000};
    RegistrationDescription registration;
    std::string ca_file;  ///< An authority of the target that the suite is to trust.
    bool verifies_tls = true;
    /// Requests end by this time; for the doctor.
    std::optional<std::chrono::steady_clock::time_point> give_up_at;
};

/// What is wrong with a target file, and where.
struct DescriptionError {
    int line = 0;     ///< From 1; 0 if it concerns the file.
    std::string key;  ///< `registration.way`; may be empty.
    std::string what;
};
/// `FILE:7: registration.way: expected one of open, shared_secret, command, users`
std::string to_string(const DescriptionError& error, std::string_view file);

/// Parses a target file. Unknown keys are errors.
std::expected<TargetDescription, DescriptionError> parse_target_description(std::string_view yaml);

/// What stands for `{client_port}`, `{work_dir}` and so on.
using Placeholders = std::map<std::string, std::string>;
/// Replaces `{name}` by its value, `{{` by `{`; the unknown name if there is one.
std::expected<std::string, std::string> fill_placeholders(std::string_view text,
                                                          const Placeholders& values);

}  // namespace matrix::conformance
