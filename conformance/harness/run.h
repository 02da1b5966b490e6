// `conformance run`, `list`, `report` and `doctor`: what main.cpp calls when the flags are read.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "conformance/harness/declarations.h"
#include "conformance/harness/requirement.h"
#include "conformance/harness/target_description.h"

namespace matrix::conformance {

/// What the process returns.
enum class ExitCode {
    Success = 0,   ///< Every chosen MUST passed, or does not apply to what the server claims.
    Failure = 1,   ///< A MUST failed, or the server crashed.
    Usage = 2,     ///< Wrong flags or files, or the server could not be started or reached.
    Untested = 3,  ///< Nothing failed, but some MUST could not be judged here.
};

struct TargetOptions {
    std::string url;          ///< Of a server that runs; empty: `target_file`.
    std::string target_file;  ///< Empty: the built-in reference server.
    std::string bin_dir;      ///< Where this program is.
    std::string peer_bind = "127.0.0.1:0";
    std::string peer_name;
    std::string registration_shared_secret;
    bool is_insecure = false;
};

struct SelectionOptions {
    std::string filter;
    std::optional<Level> level;
    std::string rerun_failed;  ///< A records file; its failed tests are chosen.
};

struct RunOptions {
    TargetOptions target;
    SelectionOptions selection;
    std::string report_dir = "conformance-report";
    bool fail_fast = false;
    std::string arguments;      ///< As typed, for the report.
    std::string repeat_prefix;  ///< The command that repeats a test, up to its id.
};

enum class ListFormat { Text, Json };

ExitCode run_tests(const RunOptions& options);
ExitCode list_tests(const SelectionOptions& selection, ListFormat format);
/// Merges record files and writes all views into `report_dir`.
ExitCode report_records(const std::vector<std::string>& files, const std::string& report_dir);
/// Says within five seconds what reaches what, and which tests that rules out.
ExitCode examine_target(const TargetOptions& options);

/// The cases that a selection leaves; an error for people otherwise.
std::expected<std::vector<Case>, std::string> select_cases(const SelectionOptions& selection);
/// What to start or reach.
std::expected<TargetDescription, std::string> read_target(const TargetOptions& options);

/// The text of conformance/renamed_tests.tsv, which is built in.
extern const char* const kRenamedTests;

}  // namespace matrix::conformance
