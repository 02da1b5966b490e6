// The conformance suite: flags in, exit code out. The only file that includes CLI11.

#include <filesystem>
#include <iostream>

#include <CLI/CLI.hpp>

#include "conformance/harness/run.h"

namespace matrix::conformance {
namespace {

constexpr const char* kAbout =
    "Tests a Matrix homeserver against the specification (v1.19), as clients and as a federation "
    "peer.";

constexpr const char* kFooter = R"(Examples:
  conformance run                               start the built-in reference server and test it
  conformance run http://localhost:8008         test a server that runs
  conformance run --target my-server.yaml       start a server as the file says, and test it
  conformance run --filter 'ss/*,!ss/invite/*' --level MUST
  conformance run --rerun-failed conformance-report/records.jsonl
  conformance list --filter 'cs/sync/*' --json
  conformance report shard1.jsonl shard2.jsonl --report-dir merged
  conformance doctor http://localhost:8008

Exit codes:
  0  every chosen MUST passed, or does not apply to what the server claims
  1  a MUST failed, or the server crashed
  2  wrong usage, or the server could not be started or reached
  3  nothing failed, but some MUST could not be judged here (the report says why)

A SHOULD or MAY that is not kept is a warning. `conformance COMMAND --help` says more.)";

void add_target_options(CLI::App& app, TargetOptions& target) {
    app.add_option("URL", target.url, "Base URL of the client API of a server that runs");
    app.add_option(
        "--target",
        target.target_file,
        "YAML file that says how to start or reach the server "
        "(schema: fixtures/schemas/target.json); default: the refserver beside this program");
    app.add_option("--peer-bind",
                   target.peer_bind,
                   "Address and port on which the suite's federation peers listen")
        ->capture_default_str();
    app.add_option("--peer-name",
                   target.peer_name,
                   "Server name of the peer, by which the target reaches it; default: "
                   "localhost:PORT, a fresh port for each test");
    app.add_option("--registration-shared-secret",
                   target.registration_shared_secret,
                   "Make users over /_synapse/admin/v1/register with this secret");
    app.add_flag("--insecure", target.is_insecure, "Do not check the server's certificates");
}

void add_selection_options(CLI::App& app, SelectionOptions& selection, std::string& level) {
    app.add_option("--filter",
                   selection.filter,
                   "Globs over test ids, separated by commas; ! excludes: 'cs/sync/*,!*slow*'");
    app.add_option("--level", level, "Only tests of this level: MUST, SHOULD or MAY")
        ->check(CLI::IsMember({"MUST", "SHOULD", "MAY"}));
    app.add_option("--rerun-failed",
                   selection.rerun_failed,
                   "Only what failed or crashed in this records file, as a further attempt");
}

std::optional<Level> find_level(const std::string& name) {
    for (const Level level : {Level::Must, Level::Should, Level::May}) {
        if (name_of(level) == name) return level;
    }
    return std::nullopt;
}

// In single quotes where a shell would look into it.
std::string quote(const std::string& argument) {
    const bool is_plain = argument.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "-_./:=,@+%") == std::string::npos;
    if (is_plain && !argument.empty()) return argument;
    std::string quoted = "'";
    for (const char c : argument)
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

// The command that runs one test in the same way, up to its id.
std::string repeat_command(const std::string& program, const TargetOptions& target) {
    std::string command = quote(program) + " run";
    const auto add =
        [&](const char* flag, const std::string& value, const std::string& by_default) {
            if (value != by_default) command += std::string(flag) + quote(value);
        };
    add(" ", target.url, "");
    add(" --target ", target.target_file, "");
    add(" --peer-bind ", target.peer_bind, TargetOptions().peer_bind);
    add(" --peer-name ", target.peer_name, "");
    add(" --registration-shared-secret ",
        target.registration_shared_secret.empty() ? "" : "SECRET",
        "");
    if (target.is_insecure) command += " --insecure";
    return command + " --filter ";
}

std::string join_arguments(int count, char** arguments) {
    std::string joined;
    bool is_secret = false;
    for (int i = 0; i < count; ++i) {
        std::string argument = is_secret ? "SECRET" : arguments[i];
        is_secret = argument == "--registration-shared-secret";
        if (argument.starts_with("--registration-shared-secret=")) {
            argument = "--registration-shared-secret=SECRET";
        }
        joined += (i == 0 ? "" : " ") + quote(argument);
    }
    return joined;
}

std::string folder_of_this_program() {
    std::error_code error;
    return std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string();
}

int parse_and_run(int count, char** arguments) {
    CLI::App app(kAbout, "conformance");
    app.footer(kFooter);
    app.require_subcommand(1);

    RunOptions run;
    std::string level;
    bool lists = false;
    bool lists_json = false;
    CLI::App& run_command = *app.add_subcommand("run", "Run the tests");
    add_target_options(run_command, run.target);
    add_selection_options(run_command, run.selection, level);
    run_command.add_flag("--list", lists, "List the chosen tests and run none");
    run_command.add_flag("--json", lists_json, "With --list: as JSON");
    run_command.add_flag("--fail-fast", run.fail_fast, "End after the first failure");
    run_command.add_option("--report-dir", run.report_dir, "Where records and reports go")
        ->capture_default_str();

    SelectionOptions listed;
    CLI::App& list_command = *app.add_subcommand("list", "List the tests; needs no server");
    add_selection_options(list_command, listed, level);
    list_command.add_flag("--json", lists_json, "As JSON");

    std::vector<std::string> files;
    CLI::App& report_command = *app.add_subcommand(
        "report", "Merge records and make the reports again: HTML, Markdown, JUnit, console");
    report_command.add_option("RECORDS", files, "Files of records, in any order")->required();
    report_command.add_option("--report-dir", run.report_dir, "Where the reports go")
        ->capture_default_str();

    TargetOptions examined;
    CLI::App& doctor_command = *app.add_subcommand(
        "doctor", "Say within 5 s what reaches what, and which tests that rules out");
    add_target_options(doctor_command, examined);

    try {
        app.parse(count, arguments);
    } catch (const CLI::ParseError& error) {
        const bool is_help = error.get_exit_code() == 0;
        app.exit(error);
        return static_cast<int>(is_help ? ExitCode::Success : ExitCode::Usage);
    }
    if (!run.target.url.empty() && !run.target.target_file.empty()) {
        std::cerr << "conformance: URL and --target exclude each other\n";
        return static_cast<int>(ExitCode::Usage);
    }
    run.selection.level = listed.level = find_level(level);
    run.target.bin_dir = examined.bin_dir = folder_of_this_program();
    run.arguments = join_arguments(count, arguments);
    run.repeat_prefix = repeat_command(arguments[0], run.target);

    const ListFormat format = lists_json ? ListFormat::Json : ListFormat::Text;
    ExitCode code = ExitCode::Success;
    if (run_command.parsed()) {
        code = lists ? list_tests(run.selection, format) : run_tests(run);
    } else if (list_command.parsed()) {
        code = list_tests(listed, format);
    } else if (report_command.parsed()) {
        code = report_records(files, run.report_dir);
    } else {
        code = examine_target(examined);
    }
    return static_cast<int>(code);
}

}  // namespace
}  // namespace matrix::conformance

int main(int count, char** arguments) {
    return matrix::conformance::parse_and_run(count, arguments);
}
