#include "simulator/options.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>

#include <CLI/CLI.hpp>

#include "refserver/protocol/room_rules.h"
#include "simulator/scenario/disturbance.h"
#include "simulator/scenario/draw.h"
#include "simulator/scenario/scenario_file.h"
#include "simulator/workloads/workload.h"

namespace matrix::simulator {
namespace {

constexpr int kUsageExitCode = 2;

constexpr const char* kExamples = R"(
Examples:
  simulator run --servers 10 --seed 7
  simulator run --servers 3 --seed 1 --minutes 2 --trace run.jsonl
  simulator draw --seed 7 > scenario.yaml
  simulator replay scenario.yaml
  simulator list
  simulator compare --help

The same scenario and the same build give the same trace hash.

Exit codes:
  0  every checker passed, and enough happened to say so
  1  a checker found something wrong
  2  the flags or the scenario are wrong, or a file cannot be written
  3  inconclusive: nothing was found, but less happened than the scenario demands
  4  stuck: the servers did not come to rest within the virtual time allowed
)";

struct Flags {
    int minutes = 10;
    int pause_s = 20;
    bool has_no_split = false;
    bool has_no_intruder = false;
    bool is_json = false;
    std::string crypto = "simulated";
    std::string log_level = "error";
    std::string trace_file;
    int latency_ms_max = 150;
    std::string scenario_file;
};

std::string check_room_version(const std::string& version) {
    if (find_room_rules(version)) return {};
    return "room version '" + version +
           "' is unknown: expected 1 to 12, or that of a --room-version-file";
}

std::string check_workload(const std::string& name) {
    if (find_workload(name)) return {};
    return "'" + name + "' is no workload; `simulator list` shows them";
}

std::string check_disturbance(const std::string& name) {
    if (find_disturbance(name)) return {};
    return "'" + name + "' is no disturbance; `simulator list` shows them";
}

// At once, wherever it stands among the flags: others are checked later, and may name the version.
void add_version_flag(CLI::App& app, versions::Registrations& registrations) {
    app.add_option_function<std::vector<std::string>>(
           "--room-version-file",
           [&registrations](const std::vector<std::string>& paths) {
               auto more = versions::register_files(paths);
               if (!more) throw CLI::ValidationError("--room-version-file", more.error());
               std::ranges::move(*more, std::back_inserter(registrations));
           },
           "A room version as YAML (fixtures/room_versions), to be named by others; repeat it")
        ->type_name("FILE")
        ->expected(1)
        ->trigger_on_parse();
}

// What decides the scenario.
void add_draw_flags(CLI::App& app, DrawOptions& draw, Flags& flags) {
    app.add_option("--servers", draw.servers, "How many reference servers")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    app.add_option("--users", draw.users_per_server, "Users of each server")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    app.add_option("--seed", draw.seed, "Decides everything that chance decides")
        ->capture_default_str();
    app.add_option("--minutes", flags.minutes, "Virtual minutes in which users act")
        ->check(CLI::Range(1, 100000))
        ->capture_default_str();
    app.add_option("--pause", flags.pause_s, "The longest pause of a user, in virtual seconds")
        ->check(CLI::Range(1, 3600))
        ->capture_default_str();
    app.add_option("--room-version", draw.workload.room_versions, "One room of each version")
        ->check(check_room_version)
        ->delimiter(',')
        ->capture_default_str();
    app.add_option("--latency", flags.latency_ms_max, "The longest latency of a message, in ms")
        ->check(CLI::Range(1, 60000))
        ->capture_default_str();
    app.add_option("--loss", draw.link.loss_one_in, "Lose one message in so many; 0: none")
        ->capture_default_str();
    app.add_option("--workload", draw.workloads, "What users do")
        ->check(check_workload)
        ->delimiter(',')
        ->capture_default_str();
    auto* disturbances =
        app.add_option("--disturbance", draw.disturbances, "What goes wrong, all of it")
            ->check(check_disturbance)
            ->delimiter(',')
            ->capture_default_str();
    app.add_flag("--swarm", draw.is_swarm, "The seed chooses what goes wrong, among everything")
        ->excludes(disturbances);
    app.add_flag("--no-split", flags.has_no_split, "Without the disturbance split");
    app.add_flag("--no-intruder", flags.has_no_intruder, "Without the disturbance intruder");
}

// What changes nothing of what happens.
void add_run_flags(CLI::App& app, RunOptions& run, Flags& flags) {
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
                 run.has_pointer_draw,
                 "For a test of the determinism check: mix an address into every draw");
}

Scenario make_scenario(DrawOptions draw, const Flags& flags) {
    draw.link.latency_us_max = std::int64_t{flags.latency_ms_max} * 1000;
    draw.chaos_ms = std::int64_t{flags.minutes} * 60'000;
    draw.workload.pause_ms_max = std::int64_t{flags.pause_s} * 1000;
    if (flags.has_no_split) std::erase(draw.disturbances, "split");
    if (flags.has_no_intruder) std::erase(draw.disturbances, "intruder");
    return draw_scenario(draw);
}

RunCommand make_run_command(Scenario scenario, RunOptions run, const Flags& flags) {
    using runtime::LogLevel;
    const std::map<std::string, LogLevel> levels = {{"debug", LogLevel::Debug},
                                                    {"info", LogLevel::Info},
                                                    {"warning", LogLevel::Warning},
                                                    {"error", LogLevel::Error}};
    run.crypto = flags.crypto == "real" ? Crypto::Real : Crypto::Simulated;
    run.log_level = levels.at(flags.log_level);
    if (!flags.trace_file.empty()) run.trace_file = flags.trace_file;
    return {std::move(scenario), std::move(run), flags.is_json ? Output::Json : Output::Text};
}

}  // namespace

std::variant<Command, int> parse_command_line(int argc,
                                              char** argv,
                                              versions::Registrations& room_versions) {
    CLI::App app(
        "Runs full reference homeservers in one process under virtual time, and checks "
        "that they agree.",
        "simulator");
    app.set_version_flag("--version", kBuildId);
    app.require_subcommand(1);
    app.footer(kExamples);
    DrawOptions draw;
    RunOptions run;
    Flags flags;
    CLI::App& run_command = *app.add_subcommand("run", "One run of a scenario that a seed draws");
    add_draw_flags(run_command, draw, flags);
    add_run_flags(run_command, run, flags);
    CLI::App& replay = *app.add_subcommand("replay", "One run of a scenario from a file");
    replay.add_option("FILE", flags.scenario_file, "The scenario, as YAML")->required();
    add_run_flags(replay, run, flags);
    CLI::App& draw_command = *app.add_subcommand("draw", "Print the scenario of a seed as YAML");
    add_draw_flags(draw_command, draw, flags);
    for (CLI::App* command : {&run_command, &replay, &draw_command})
        add_version_flag(*command, room_versions);
    app.add_subcommand("list", "Workloads, disturbances, verbs of scenarios, and checkers");
    for (CLI::App* command : app.get_subcommands({}))
        command->footer(kExamples);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : kUsageExitCode;
    }
    if (app.got_subcommand("list")) return ListCommand{};
    if (draw_command.parsed()) return DrawCommand{make_scenario(std::move(draw), flags)};
    if (run_command.parsed()) {
        return make_run_command(make_scenario(std::move(draw), flags), std::move(run), flags);
    }
    auto scenario = read_scenario(flags.scenario_file);
    if (!scenario) {
        std::fprintf(stderr, "%s\n", scenario.error().c_str());
        return kUsageExitCode;
    }
    return make_run_command(std::move(*scenario), std::move(run), flags);
}

}  // namespace matrix::simulator
