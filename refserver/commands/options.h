// The flags of the commands.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "refserver/commands/room_file.h"
#include "refserver/versions/room_version_file.h"

namespace matrix::commands {

/// What every command that reads a room may be told.
struct InputOptions {
    std::vector<std::string> files;
    std::optional<std::string> room_version;
    versions::Registrations room_versions;  ///< Given as files.
    std::optional<FileFormat> format;
};

enum class Implementation { Fast, Oracle, Both };

struct ResolveOptions {
    InputOptions input;
    std::vector<std::string> state_sets;
    std::optional<std::string> before;
    std::optional<std::string> case_name;
    std::vector<std::string> quirks;
    Implementation implementation = Implementation::Fast;
    std::optional<std::string> html;
    bool wants_explanation = false;
    bool wants_json = false;
    bool lists_quirks = false;
};

struct CheckOptions {
    InputOptions input;
    std::vector<std::string> keys;
    bool wants_json = false;
    bool wants_all = false;  ///< Events without a breach too.
    bool must_be_complete = false;
};

struct AdapterOptions {};

/// Why a command ends before it has begun: help was asked for, or a flag is wrong.
struct EarlyEnd {
    int code;  ///< 0, or 2 for a wrong flag.
    std::string text;
};

// `arguments` are those behind the name of the command.
std::expected<ResolveOptions, EarlyEnd> parse_resolve_options(std::vector<std::string> arguments);
std::expected<CheckOptions, EarlyEnd> parse_check_options(std::vector<std::string> arguments);
std::expected<AdapterOptions, EarlyEnd> parse_adapter_options(std::vector<std::string> arguments);

}  // namespace matrix::commands
