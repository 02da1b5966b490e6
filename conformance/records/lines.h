// Records of any kind as lines: what merging needs to know of them is their key.
//
// The suite's records (record.h) and the simulator's are such lines; schema:
// fixtures/schemas/record.json.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <iosfwd>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace matrix::records {

/// What identifies a record.
struct RecordKey {
    std::string schema;
    std::string run;
    std::string kind;
    std::string id;
    std::int64_t attempt = 1;
    friend auto operator<=>(const RecordKey&, const RecordKey&) = default;
};

/// Lines by key, without line breaks.
using RecordLines = std::map<RecordKey, std::string>;

/// The key of a line; an error says which member is missing or wrong.
std::expected<RecordKey, std::string> parse_key(std::string_view line);

/// Adds a line. Of two lines with the same key that differ, the one that is greater as bytes stays:
/// so adding is associative, commutative and idempotent.
void add_line(RecordLines& lines, RecordKey key, std::string line);

/// Adds all lines of a stream; an error names `name` and the line, and nothing was added then.
/// Gives warnings: a last line that was cut off by a crash is left out.
std::expected<std::vector<std::string>, std::string> read_lines(RecordLines& lines,
                                                                std::istream& in,
                                                                std::string_view name);

/// Gives each line that is not empty to `take`; an error of it ends the reading, and names `name`
/// and the line. Warnings as of `read_lines`.
std::expected<std::vector<std::string>, std::string> for_each_line(
    std::istream& in,
    std::string_view name,
    const std::function<std::expected<void, std::string>(const std::string& line)>& take);

}  // namespace matrix::records
