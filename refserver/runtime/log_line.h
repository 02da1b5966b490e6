// What a line of the log looks like: as text, for people and grep, and as JSON, for programs.
//
// A value may be a peer's bytes. Whatever they are, the line is one line of printable ASCII, and no
// value looks like another field: other bytes are written as \xNN, in both forms.
#pragma once

#include <string>
#include <string_view>

#include "refserver/runtime/log.h"

namespace matrix::runtime {

/// Of a longer value the rest is cut off, and "..." put in its place.
inline constexpr std::size_t kLogValueBytesMax = 400;

/// `peer_failed server=a.example failures=3 why="timed out"`: values with anything but letters,
/// digits and a few signs are in quotes, in which `"` and `\` have a `\` before them.
std::string log_text(const LogLine& line);

/// The members of a JSON object, without its braces: `"name":"peer_failed","failures":3`.
std::string log_json_members(const LogLine& line);

}  // namespace matrix::runtime
