#include "simulator/options.h"

#include <map>

#include <CLI/CLI.hpp>

#include "refserver/protocol/room_rules.h"

namespace matrix::simulator {
namespace {

constexpr const char* kExamples = R"(
Examples:
  simulator run --servers 10 --seed 7
  simulator run --servers 3 --seed 1 --minutes 2 --trace run.jsonl
  simulator live --target http://localhost:8008      real servers against one real homeserver

The same seed and the same flags give the same trace hash, with the same build.

Exit codes:
  0  every checker passed, and enough happened to say so
  1  a checker found a disagreement between servers, or a request failed with a 5xx status
  2  the flags are wrong, or a file cannot be written
  3  vacuous: nothing was found, but less happened than the stated minima
  4  stuck: the servers did not come to rest within the virtual time allowed
)";

struct Flags {
    int minutes = 10;
    int pause_s = 20;
    bool has_no_split = false;
    bool has_no_intruder = false;
    bool is_json = false;
    bool has_pointer_draw = false;
    std::string crypto = "simulated";
    std::string log_level = "error";
    std::string trace_file;
    std::vector<std::string> room_versions = {"10", "11", "12"};
    int latency_ms_max = 150;
    std::uint64_t loss_one_in = 0;
};

std::string check_room_version(const std::string& version) {
    if (find_room_rules(version)) return {};
    return "room version '" + version + "' is unknown: expected 1 to 12";
}

void add_run_flags(CLI::App& app, RunOptions& run, Flags& flags) {
    app.add_option("--servers", run.cluster.servers, "How many reference servers")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    app.add_option("--users", run.cluster.users_per_server, "Users of each server")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    app.add_option("--seed", run.cluster.seed, "Decides everything that chance decides")
        ->capture_default_str();
    app.add_option("--minutes", flags.minutes, "Virtual minutes in which users act")
        ->check(CLI::Range(1, 100000))
        ->capture_default_str();
    app.add_option("--pause", flags.pause_s, "The longest pause of a user, in virtual seconds")
        ->check(CLI::Range(1, 3600))
        ->capture_default_str();
    app.add_option("--room-version", flags.room_versions, "One room of each version")
        ->check(check_room_version)
        ->delimiter(',')
        ->capture_default_str();
    app.add_option("--latency", flags.latency_ms_max, "The longest latency of a message, in ms")
        ->check(CLI::Range(1, 60000))
        ->capture_default_str();
    app.add_option("--loss", flags.loss_one_in, "Lose one message in so many; 0: none")
        ->capture_default_str();
    app.add_flag("--no-split", flags.has_no_split, "Without the network split in the middle third");
    app.add_flag("--no-intruder", flags.has_no_intruder, "Without the host that sends bad events");
    app.add_option(
           "--crypto", flags.crypto, "Signatures: simulated (a keyed hash) or real (Ed25519)")
        ->check(CLI::IsMember({"simulated", "real"}))
        ->capture_default_str();
    app.add_option(
        "--trace", flags.trace_file, "Write every dispatch, draw and message as JSON lines");
    app.add_flag("--json", flags.is_json, "Print the report as one JSON object");
    app.add_option("--log-level", flags.log_level, "What the servers log to standard error")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
        ->capture_default_str();
    app.add_flag("--plant-pointer-draw",
                 flags.has_pointer_draw,
                 "For a test of the determinism check: mix an address into every draw");
}

Command make_command(RunOptions run, const Flags& flags) {
    using runtime::LogLevel;
    const std::map<std::string, LogLevel> levels = {{"debug", LogLevel::Debug},
                                                    {"info", LogLevel::Info},
                                                    {"warning", LogLevel::Warning},
                                                    {"error", LogLevel::Error}};
    run.cluster.crypto = flags.crypto == "real" ? Crypto::Real : Crypto::Simulated;
    run.cluster.log_level = levels.at(flags.log_level);
    run.cluster.has_pointer_draw = flags.has_pointer_draw;
    run.cluster.link.latency_us_max = std::int64_t{flags.latency_ms_max} * 1000;
    run.cluster.link.loss_one_in = flags.loss_one_in;
    run.workload.room_versions = flags.room_versions;
    run.workload.chaos_us = std::int64_t{flags.minutes} * 60'000'000;
    run.workload.pause_us_max = std::int64_t{flags.pause_s} * 1'000'000;
    run.workload.has_split = !flags.has_no_split;
    run.has_intruder = !flags.has_no_intruder;
    if (!flags.trace_file.empty()) run.trace_file = flags.trace_file;
    return {std::move(run), flags.is_json ? Output::Json : Output::Text};
}

}  // namespace

std::variant<Command, int> parse_command_line(int argc, char** argv) {
    CLI::App app(
        "Runs full reference homeservers in one process under virtual time, and checks "
        "that they agree.",
        "simulator");
    app.set_version_flag("--version", kBuildId);
    app.require_subcommand(1);
    app.footer(kExamples);
    CLI::App& run_command =
        *app.add_subcommand("run", "One run: a power struggle over a network split that heals");
    run_command.footer(kExamples);
    RunOptions run;
    Flags flags;
    add_run_flags(run_command, run, flags);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    return make_command(std::move(run), flags);
}

}  // namespace matrix::simulator
