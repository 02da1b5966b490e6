// Files and standard input as the commands read them, and how they say what is wrong in them.
#pragma once

#include <cstddef>
#include <expected>
#include <iosfwd>
#include <string>
#include <string_view>

#include "refserver/commands/exit_code.h"
#include "refserver/protocol/json.h"

namespace matrix::commands {

/// Where something stands in what a command reads.
struct Place {
    std::string file;      ///< As the user named it; "<stdin>" for "-".
    std::size_t line = 0;  ///< From 1; 0 where `path` or the file alone says it.
    std::string path;      ///< Inside a file that is one JSON value: "pdus[3]".
};
/// `file:12`, `file: pdus[3]` or `file`.
std::ostream& operator<<(std::ostream& out, const Place& place);
std::string to_string(const Place& place);

/// Why something cannot be read: nothing is done then.
struct InputError {
    Place place;
    std::string field;     ///< For example "prev_events"; empty if it concerns the whole.
    std::string expected;  ///< What was expected there.
    ExitCode code = ExitCode::Malformed;
};
/// `file:12: prev_events: expected event ids`.
std::ostream& operator<<(std::ostream& out, const InputError& error);

/// The bytes of a file, or of standard input for "-". Fails with `ExitCode::Usage`.
std::expected<std::string, InputError> read_input(const std::string& name);

/// How `name` is called in messages.
std::string display_name(const std::string& name);

/// Parses a file that is one JSON value; an error has the line. Numbers of all kinds are taken.
std::expected<json::Value, InputError> parse_document(std::string_view text,
                                                      const std::string& file);

}  // namespace matrix::commands
