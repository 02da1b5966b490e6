// The record stream: one JSON line for each test as it ends, from which all reports are made.
//
// Schema: fixtures/schemas/record.json. A record is identified by {schema, run, kind, id, attempt};
// merging files is a union over that key.
#pragma once

#include <cstdint>
#include <expected>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace matrix::records {

inline constexpr std::string_view kSchema = "touchstone.record/1";

enum class Outcome {
    Passed,
    Failed,  ///< A MUST is not kept.
    Warned,  ///< A SHOULD or MAY is not kept.
    Skipped,
    Crashed,  ///< The server under test ended or stopped answering during the test.
};
std::string_view name_of(Outcome outcome);  ///< "passed", "failed", ...

/// One HTTP request and its response.
struct Exchange {
    std::string who;  ///< Who asked: "client", "peer", "target".
    std::string method;
    std::string url;
    std::vector<std::pair<std::string, std::string>> request_headers;
    std::string request_body;
    int status = 0;  ///< 0 when there was no response.
    std::vector<std::pair<std::string, std::string>> response_headers;
    std::string response_body;
    std::string failure;  ///< Of the transport, empty if there was none.
    std::int64_t duration_ms = 0;
    friend bool operator==(const Exchange&, const Exchange&) = default;
};

/// Where a test failed or warned.
struct Finding {
    bool is_warning = false;
    std::string where;  ///< `file:line`
    std::string message;
    friend bool operator==(const Finding&, const Finding&) = default;
};

/// The start of a run (kind "run") or the end of one of its tests (kind "test").
struct Record {
    std::string run;  ///< Unique for each run.
    std::string kind = "test";
    std::string id;            ///< The test's, with `#row` if it has rows; for a run "run".
    int attempt = 1;           ///< Counts repetitions within the run.
    std::int64_t time_ms = 0;  ///< When it began, in milliseconds since 1970.

    // Of a test.
    std::string level;        ///< "MUST", "SHOULD", "MAY".
    std::string place;        ///< URL into the specification.
    std::string requirement;  ///< The sentence.
    std::string since;
    Outcome outcome = Outcome::Passed;
    std::int64_t duration_ms = 0;
    std::string reason;        ///< Why it was skipped, or how the server ended.
    bool is_untested = false;  ///< Skipped because it cannot be judged here.
    std::string repeat;        ///< The one command that repeats it.
    std::vector<Finding> findings;
    std::vector<Exchange> exchanges;  ///< Of tests that did not pass.

    // Of a run.
    std::string target;  ///< Its URL or name.
    std::string server_name;
    std::string software;   ///< What the server calls itself; may be empty.
    std::string arguments;  ///< The command line of the suite.
    std::int64_t planned_count = 0;

    friend bool operator==(const Record&, const Record&) = default;
};

/// One line without the line break.
std::string write(const Record& record);
/// What is wrong with it, if it is no record.
std::expected<Record, std::string> parse(std::string_view line);

/// What was read, and what was left out: a last line that was cut off by a crash.
struct Stream {
    std::vector<Record> records;
    std::vector<std::string> warnings;
};
/// Reads JSON lines; an error names the line. `name` is the file's.
std::expected<Stream, std::string> read(std::istream& in, std::string_view name);

/// The union, sorted by key. Of two records with the same key that differ, the one whose line is
/// greater as bytes stays: so merging is associative, commutative and idempotent.
std::vector<Record> merge(std::vector<Record> a, const std::vector<Record>& b);

/// The last attempt of each test, in the order of ids.
std::vector<Record> latest_tests(const std::vector<Record>& records);

struct Counts {
    int passed = 0, failed = 0, warned = 0, skipped = 0, crashed = 0;
    int untested_musts = 0;  ///< Of the skipped: MUSTs that could not be judged here.
    int total() const { return passed + failed + warned + skipped + crashed; }
};
Counts count(const std::vector<Record>& tests);

}  // namespace matrix::records
