// A room version as a file: which version it is made from, and what it changes in the table of
// versions (`refserver/protocol/room_rules.h`).
//
// The format is described in fixtures/room_versions/README.md.
#pragma once

#include <cstddef>
#include <expected>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/protocol/room_rules.h"

namespace matrix::versions {

/// A room version is a name and some twenty fields.
inline constexpr std::size_t kRoomVersionFileMaxBytes = 16'384;

/// Where a file is wrong, and what was expected there.
struct RoomVersionError {
    int line = 0;     ///< From 1; 0 if it is about the whole file.
    std::string key;  ///< For example "redaction.keeps_allow"; empty if it is about none.
    std::string what;
    friend bool operator==(const RoomVersionError&, const RoomVersionError&) = default;
};
std::ostream& operator<<(std::ostream& out, const RoomVersionError& error);

/// The text of a file. Only the fields that it names differ from its base, but for one: with
/// `state_resolution` the steps become those of that algorithm, before `resolution_steps` change
/// them.
struct RoomVersion {
    std::string name;
    RoomRules rules;  ///< Whose `version` says nothing.
};
std::expected<RoomVersion, RoomVersionError> parse_room_version(std::string_view yaml);

/// Registered versions, as long as this lives.
using Registrations = std::vector<std::unique_ptr<RegisteredRoomRules>>;

/// Reads and registers the files of a command line. On failure nothing stays registered, and the
/// text names the file, the line and the key.
std::expected<Registrations, std::string> register_files(std::span<const std::string> paths);

/// A field in which a version differs from another one, as files have it.
struct RuleChange {
    std::string key;  ///< For example "resolution_steps.initial_state".
    std::string before;
    std::string after;
    friend bool operator==(const RuleChange&, const RuleChange&) = default;
};
std::vector<RuleChange> list_changes(const RoomRules& before, const RoomRules& after);

/// One line: "12", or "org.example.new (12, but resolution_steps.initial_state unconflicted)".
std::string describe(const RoomRules& rules);

}  // namespace matrix::versions
