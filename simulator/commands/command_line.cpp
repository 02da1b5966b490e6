#include "simulator/commands/command_line.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>

#include <CLI/CLI.hpp>

#include "refserver/protocol/room_rules.h"
#include "simulator/planted/planted_bug.h"
#include "simulator/scenario/disturbance.h"
#include "simulator/scenario/scenario_file.h"
#include "simulator/workloads/workload.h"

namespace matrix::simulator {
namespace {

constexpr std::int64_t kTimeLimitSDefault = 600;
constexpr int kJobsMax = 256;

// What main.cpp gives to others before it comes here.
constexpr const char* kOtherCommands = R"(
Besides, each with a --help of its own:
  compare                     Two room versions in the same worlds
  live                        Our servers against one real homeserver, in real time
)";

constexpr const char* kExamples = R"(
Examples:
  simulator run --servers 10 --seed 7
  simulator run --servers 3 --seed 3f2a91c --minutes 2 --trace run.jsonl
  simulator sweep --seeds 0..9999 -j2 --budget 20m --records sweep.jsonl
  simulator draw --seed 7 > scenario.yaml
  simulator replay scenario.yaml
  simulator shrink scenario.yaml --output small.yaml
  simulator explain small.yaml --plant rotten-topics
  simulator view --seed 3 --output run.html --log run.txt
  simulator merge shard1.jsonl shard2.jsonl --output all.jsonl
  simulator compare --a 11 --b 12 --seeds 0..999

The same scenario and the same build give the same trace hash.
A seed is a number, or the hash of a commit.

Exit codes:
  0  every checker passed, and enough happened to say so
  1  failed check: a checker found something wrong
  2  usage: the flags, the environment, the scenario or an input file are wrong
  3  inconclusive: nothing was found, but less happened than the scenario demands
  4  stuck: the servers did not come to rest within the virtual time allowed
  5  non-determinism: two runs of one scenario had different hashes
  6  infrastructure: no process could be started, or a file not be written
  7  crash: the run ended by an assertion or a signal
  8  time-out: the run was killed after --timeout
  9  interrupted: by SIGINT or SIGTERM; what was found until then is printed
Of several runs the worst, in this order: 7 5 1 4 8 6 9 0 3.
shrink, explain and view: 0 when what they were asked for is written, whatever
became of the run.
)";

struct Flags {
    std::string seed = "1";
    int minutes = 10;
    int pause_s = 20;
    bool has_no_split = false;
    bool has_no_intruder = false;
    bool is_json = false;
    bool has_no_fork = false;
    std::string crypto = "simulated";
    std::string log_level = "error";
    std::string trace_file;
    std::int64_t time_limit_s = kTimeLimitSDefault;
    int latency_ms_max = 150;
    std::string scenario_file;
    // Of sweeps and of the shrinker.
    std::string seeds;
    std::string shard;
    std::uint64_t shards = 0;
    std::int64_t budget_s = 0;
    int jobs = 1;
    bool runs_twice = false;
    std::string records_file;
    std::string run_name;
    std::string output_file;
    std::string text_log_file;
    std::string checker;
    std::vector<std::string> files;
    std::vector<std::string> version_files;  ///< Registered before.
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

std::string check_planted_bug(const std::string& name) {
    if (find_planted_bug(name)) return {};
    return "'" + name + "' is no planted bug; `simulator list` shows them";
}

std::string check_seed(const std::string& text) {
    const auto seed = parse_seed(text);
    return seed ? std::string() : seed.error();
}

std::string check_seeds(const std::string& text) {
    const auto seeds = parse_seeds(text);
    return seeds ? std::string() : seeds.error();
}

// "90s", "20m", "2h" in seconds.
std::optional<std::int64_t> parse_duration(const std::string& text) {
    constexpr std::int64_t kMost = 1'000'000;
    std::int64_t number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string unit(rest, text.data() + text.size());
    if (error != std::errc() || number < 1 || number > kMost) return std::nullopt;
    if (unit == "s") return number;
    if (unit == "m") return number * 60;
    if (unit == "h") return number * 3600;
    return std::nullopt;
}

void add_duration(CLI::App& app,
                  const std::string& name,
                  std::int64_t& seconds,
                  const std::string& meaning) {
    app.add_option_function<std::string>(
           name,
           [&seconds](const std::string& text) { seconds = parse_duration(text).value(); },
           meaning + ", as 90s, 20m or 2h")
        ->check([](const std::string& text) {
            return parse_duration(text)
                       ? std::string()
                       : "expected a duration as 90s, 20m or 2h, found '" + text + "'";
        });
}

constexpr std::string_view kVersionFileFlag = "--room-version-file";

// The paths behind the flag, wherever it stands: versions are registered before any flag is looked
// at, for others may name them.
std::vector<std::string> find_version_files(int argc, char** argv) {
    std::vector<std::string> paths;
    const auto add_all = [&](const std::string& list) {
        for (const std::string& path : CLI::detail::split(list, ','))
            paths.push_back(path);
    };
    for (int place = 1; place < argc; ++place) {
        const std::string_view argument = argv[place];
        if (argument == kVersionFileFlag && place + 1 < argc) add_all(argv[++place]);
        if (argument.starts_with(std::string(kVersionFileFlag) + '=')) {
            add_all(std::string(argument.substr(kVersionFileFlag.size() + 1)));
        }
    }
    return paths;
}

// What decides the scenario, but for the seed.
void add_draw_flags(CLI::App& app, DrawOptions& draw, Flags& flags) {
    app.add_option("--servers", draw.servers, "How many reference servers")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    app.add_option("--users", draw.users_per_server, "Users of each server")
        ->check(CLI::Range(1, 100))
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
    app.add_option("--workload",
                   draw.workloads,
                   "What users do, all of it; default: " + std::string(kDefaultWorkload) +
                       ", and with --swarm what the seed chooses")
        ->check(check_workload)
        ->delimiter(',');
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

void add_seed_flag(CLI::App& app, Flags& flags) {
    app.add_option("--seed", flags.seed, "Decides everything that chance decides")
        ->check(check_seed)
        ->capture_default_str();
}

// How servers run: each run of a sweep or of the shrinker, too.
void add_server_flags(CLI::App& app, RunOptions& run, Flags& flags) {
    app.add_option(
           "--crypto", flags.crypto, "Signatures: simulated (a keyed hash) or real (Ed25519)")
        ->check(CLI::IsMember({"simulated", "real"}))
        ->capture_default_str();
    app.add_option("--plant", run.plant, "Plant a bug, for a test of checkers and shrinker")
        ->check(check_planted_bug);
    app.add_flag("--plant-pointer-draw",
                 run.has_pointer_draw,
                 "For a test of the determinism check: mix an address into every draw");
}

// Of one run; changes nothing of what happens.
void add_run_flags(CLI::App& app, Flags& flags) {
    auto* trace = app.add_option(
        "--trace", flags.trace_file, "Write every dispatch, draw and message as JSON lines");
    app.add_flag("--json", flags.is_json, "Print the report as one JSON object");
    app.add_option("--log-level", flags.log_level, "What the servers log to standard error")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
        ->capture_default_str();
    add_duration(app, "--timeout", flags.time_limit_s, "Kill the run after so much real time");
    auto* no_fork =
        app.add_flag("--no-fork", flags.has_no_fork, "Run in this process, for a debugger");
    app.add_flag("--twice",
                 flags.runs_twice,
                 "Run it twice and, if the hashes differ, show the first record that does")
        ->excludes(no_fork, trace);
}

void add_many_runs_flags(CLI::App& app, Flags& flags) {
    app.add_option("-j,--jobs", flags.jobs, "Runs at the same time, a process each")
        ->check(CLI::Range(1, kJobsMax))
        ->capture_default_str();
    add_duration(app, "--budget", flags.budget_s, "Begin nothing new after so much real time");
    add_duration(app, "--timeout", flags.time_limit_s, "Kill a run after so much real time");
}

void add_sweep_flags(CLI::App& app, Flags& flags) {
    app.add_option("--seeds", flags.seeds, "Such as 0..9999, or 3,17,20..29, or a commit's hash")
        ->check(check_seeds)
        ->required();
    app.add_option("--shard",
                   flags.shard,
                   "Only part INDEX of COUNT, as 2/8; else the batch "
                   "engine's variables are asked");
    app.add_option("--shards", flags.shards, "How many parts, if the engine tells an index only");
    app.add_flag("--twice", flags.runs_twice, "Run each seed twice and compare the hashes");
    app.add_option("--records", flags.records_file, "Append records to this file, as JSON lines");
    app.add_option("--run-name", flags.run_name, "Of the records; default: made of what is swept");
    app.add_flag("--json", flags.is_json, "Print the table as one JSON object");
}

std::string quoted_for_shell(const std::string& text) {
    constexpr std::string_view kPlain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._/:,=@%+";
    if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
    std::string quoted = "'";
    for (const char c : text) {
        if (c == '\'') {
            quoted += "'\\''";
        } else {
            quoted += c;
        }
    }
    return quoted + "'";
}

// The flags that were given, but those of `left_out`, as one would type them; each begins with a
// space.
std::string flags_given(const CLI::App& app, const std::set<std::string>& left_out) {
    std::string text;
    for (const CLI::Option* option : app.get_options()) {
        const std::string name = option->get_name(false, false);
        if (option->count() == 0 || option->get_positional() || left_out.contains(name)) continue;
        text += " " + name;
        if (option->get_items_expected_max() == 0) continue;
        std::string values;
        for (const std::string& value : option->results())
            values += (values.empty() ? "" : ",") + value;
        text += " " + quoted_for_shell(values);
    }
    return text;
}

// Flags that change nothing of what happens.
const std::set<std::string> kNotOfTheRun = {"--seed",
                                            "--seeds",
                                            "--shard",
                                            "--shards",
                                            "--twice",
                                            "--records",
                                            "--timeout",
                                            "--run-name",
                                            "--json",
                                            "--jobs",
                                            "--budget",
                                            "--output",
                                            "--log",
                                            "--checker",
                                            "--log-level",
                                            "--trace",
                                            "--no-fork"};

DrawOptions complete(DrawOptions draw, const Flags& flags) {
    draw.seed = parse_seed(flags.seed)->seed;
    draw.link.latency_us_max = std::int64_t{flags.latency_ms_max} * 1000;
    draw.chaos_ms = std::int64_t{flags.minutes} * 60'000;
    draw.workload.pause_ms_max = std::int64_t{flags.pause_s} * 1000;
    if (flags.has_no_split) std::erase(draw.disturbances, "split");
    if (flags.has_no_intruder) std::erase(draw.disturbances, "intruder");
    return draw;
}

RunOptions complete(RunOptions run, const Flags& flags) {
    using runtime::LogLevel;
    const std::map<std::string, LogLevel> levels = {{"debug", LogLevel::Debug},
                                                    {"info", LogLevel::Info},
                                                    {"warning", LogLevel::Warning},
                                                    {"error", LogLevel::Error}};
    run.crypto = flags.crypto == "real" ? Crypto::Real : Crypto::Simulated;
    run.log_level = levels.at(flags.log_level);
    if (!flags.trace_file.empty()) run.trace_file = flags.trace_file;
    return run;
}

std::optional<std::chrono::seconds> budget_of(const Flags& flags) {
    if (flags.budget_s == 0) return std::nullopt;
    return std::chrono::seconds(flags.budget_s);
}

std::optional<std::string> read_variable(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

// All subcommands, and where their flags go.
class CommandLine {
public:
    CommandLine() {
        app_.set_version_flag("--version", kBuildId);
        app_.require_subcommand(1);
        for (CLI::App* command : {run_, sweep_, replay_, draw_, shrink_, view_, explain_})
            add_version_flag(*command);
        add_scenario_flags(*run_);
        add_server_flags(*run_, run_options_, flags_);
        add_run_flags(*run_, flags_);
        add_draw_flags(*sweep_, draw_options_, flags_);
        add_server_flags(*sweep_, run_options_, flags_);
        add_sweep_flags(*sweep_, flags_);
        add_many_runs_flags(*sweep_, flags_);
        replay_->add_option("FILE", flags_.scenario_file, "The scenario, as YAML")->required();
        add_server_flags(*replay_, run_options_, flags_);
        add_run_flags(*replay_, flags_);
        add_scenario_flags(*draw_);
        shrink_->add_option("FILE", flags_.scenario_file, "The scenario; else the seed's");
        add_scenario_flags(*shrink_);
        add_server_flags(*shrink_, run_options_, flags_);
        add_many_runs_flags(*shrink_, flags_);
        shrink_->add_option("--checker", flags_.checker, "Whose finding must stay; else the first");
        shrink_->add_option("--output", flags_.output_file, "Where the scenario goes");
        add_recorded_run_flags(*view_);
        view_->add_option("--output", flags_.output_file, "Where the page goes, as HTML");
        view_->add_option(
            "--log", flags_.text_log_file, "Where the text goes; - is standard output");
        add_recorded_run_flags(*explain_);
        explain_->add_option("--output", flags_.output_file, "Where the text goes");
        merge_->add_option("FILES", flags_.files, "Record files")->required();
        merge_->add_option("--output", flags_.output_file, "Where the records go");
        app_.footer(std::string(kOtherCommands) + kExamples);
        for (CLI::App* command : app_.get_subcommands({}))
            command->footer(kExamples);
    }

    std::variant<Command, ExitCode> parse(int argc, char** argv) {
        try {
            app_.parse(argc, argv);
        } catch (const CLI::ParseError& error) {
            return app_.exit(error) == 0 ? ExitCode::Passed : ExitCode::Usage;
        }
        draw_options_ = complete(std::move(draw_options_), flags_);
        run_options_ = complete(std::move(run_options_), flags_);
        if (draw_->parsed()) return DrawCommand{draw_scenario(draw_options_)};
        if (run_->parsed()) return make_run();
        if (replay_->parsed()) return make_replay();
        if (sweep_->parsed()) return make_sweep();
        if (shrink_->parsed()) return make_shrink();
        if (view_->parsed()) return make_view();
        if (explain_->parsed()) return make_explain();
        if (merge_->parsed()) return MergeCommand{flags_.files, flags_.output_file};
        return ListCommand{};
    }

private:
    void add_version_flag(CLI::App& app) {
        app.add_option(std::string(kVersionFileFlag),
                       flags_.version_files,
                       "A room version as YAML (fixtures/room_versions), to be named by others")
            ->type_name("FILE")
            ->delimiter(',')
            ->allow_extra_args(false)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }

    void add_scenario_flags(CLI::App& app) {
        add_seed_flag(app, flags_);
        add_draw_flags(app, draw_options_, flags_);
    }

    // Of a run that is looked at: a file, or what a seed draws.
    void add_recorded_run_flags(CLI::App& app) {
        app.add_option("FILE", flags_.scenario_file, "The scenario; else the seed's");
        add_scenario_flags(app);
        add_server_flags(app, run_options_, flags_);
        add_duration(app, "--timeout", flags_.time_limit_s, "Kill the run after so much real time");
    }

    RunCommand make_run() {
        return {.scenario = draw_scenario(draw_options_),
                .run = run_options_,
                .output = flags_.is_json ? Output::Json : Output::Text,
                .process = flags_.has_no_fork ? Process::Same : Process::Child,
                .runs = flags_.runs_twice ? Runs::Twice : Runs::Once,
                .time_limit = std::chrono::seconds(flags_.time_limit_s),
                .repeat = "simulator run --seed " + flags_.seed + flags_given(*run_, kNotOfTheRun)};
    }

    std::variant<Command, ExitCode> make_replay() {
        RunCommand command = make_run();
        command.repeat = "simulator replay " + quoted_for_shell(flags_.scenario_file) +
                         flags_given(*replay_, kNotOfTheRun);
        return with_file(std::move(command));
    }

    /// The command with the scenario of the file.
    template <class ScenarioCommand>
    std::variant<Command, ExitCode> with_file(ScenarioCommand command) {
        auto scenario = read_scenario(flags_.scenario_file);
        if (!scenario) return refuse(scenario.error());
        command.scenario = std::move(*scenario);
        return command;
    }

    std::variant<Command, ExitCode> make_sweep() {
        std::optional<std::uint64_t> count;
        if (flags_.shards != 0) count = flags_.shards;
        std::optional<std::string> shard;
        if (!flags_.shard.empty()) shard = flags_.shard;
        auto choice = choose_shard(shard, count, read_variable);
        if (!choice) return refuse(choice.error());
        return SweepCommand{.draw = draw_options_,
                            .run = run_options_,
                            .seeds = *parse_seeds(flags_.seeds),
                            .seeds_text = flags_.seeds,
                            .shard = std::move(*choice),
                            .jobs = flags_.jobs,
                            .budget = budget_of(flags_),
                            .time_limit = std::chrono::seconds(flags_.time_limit_s),
                            .runs_twice = flags_.runs_twice,
                            .records_file = flags_.records_file,
                            .run_name = flags_.run_name,
                            .flags = flags_given(*sweep_, kNotOfTheRun),
                            .output = flags_.is_json ? Output::Json : Output::Text};
    }

    std::variant<Command, ExitCode> make_shrink() {
        ShrinkCommand command{.scenario = draw_scenario(draw_options_),
                              .run = run_options_,
                              .checker = flags_.checker,
                              .jobs = flags_.jobs,
                              .budget = budget_of(flags_),
                              .time_limit = std::chrono::seconds(flags_.time_limit_s),
                              .output_file = flags_.output_file,
                              .flags = server_flags_given(*shrink_)};
        return with_scenario(std::move(command));
    }

    std::variant<Command, ExitCode> make_view() {
        if (flags_.output_file.empty() && flags_.text_log_file.empty())
            return refuse("view: expected --output FILE, --log FILE, or both");
        return with_scenario(ViewCommand{.scenario = draw_scenario(draw_options_),
                                         .run = run_options_,
                                         .time_limit = std::chrono::seconds(flags_.time_limit_s),
                                         .page_file = flags_.output_file,
                                         .log_file = flags_.text_log_file,
                                         .repeat = repeat_line_of(*view_)});
    }

    std::variant<Command, ExitCode> make_explain() {
        return with_scenario(ExplainCommand{.scenario = draw_scenario(draw_options_),
                                            .run = run_options_,
                                            .time_limit = std::chrono::seconds(flags_.time_limit_s),
                                            .output_file = flags_.output_file,
                                            .repeat = repeat_line_of(*explain_)});
    }

    /// With that of the file, if there is one.
    template <class ScenarioCommand>
    std::variant<Command, ExitCode> with_scenario(ScenarioCommand command) {
        if (flags_.scenario_file.empty()) return command;
        return with_file(std::move(command));
    }

    std::string repeat_line_of(const CLI::App& app) {
        if (flags_.scenario_file.empty())
            return "simulator run --seed " + flags_.seed + flags_given(app, kNotOfTheRun);
        return "simulator replay " + quoted_for_shell(flags_.scenario_file) +
               server_flags_given(app);
    }

    // Those flags that `replay` has, too.
    std::string server_flags_given(const CLI::App& app) {
        std::set<std::string> left_out = kNotOfTheRun;
        for (const CLI::Option* option : app.get_options()) {
            const std::string name = option->get_name(false, false);
            if (replay_->get_option_no_throw(name) == nullptr) left_out.insert(name);
        }
        return flags_given(app, left_out);
    }

    static ExitCode refuse(const std::string& what) {
        std::fprintf(stderr, "%s\n", what.c_str());
        return ExitCode::Usage;
    }

    CLI::App app_{
        "Runs full reference homeservers in one process under virtual time, and checks "
        "that they agree.",
        "simulator"};
    DrawOptions draw_options_;
    RunOptions run_options_;
    Flags flags_;
    CLI::App* run_ = app_.add_subcommand("run", "One run of a scenario that a seed draws");
    CLI::App* sweep_ = app_.add_subcommand("sweep", "A run of each of many seeds");
    CLI::App* replay_ = app_.add_subcommand("replay", "One run of a scenario from a file");
    CLI::App* draw_ = app_.add_subcommand("draw", "Print the scenario of a seed as YAML");
    CLI::App* shrink_ =
        app_.add_subcommand("shrink", "Find the smallest scenario that fails in the same way");
    CLI::App* explain_ =
        app_.add_subcommand("explain", "Tell what happened in a run, and where servers parted");
    CLI::App* view_ = app_.add_subcommand("view", "Show a run as a page, or as a text of columns");
    CLI::App* merge_ = app_.add_subcommand("merge", "Merge record files");
    CLI::App* list_ = app_.add_subcommand(
        "list", "Workloads, disturbances, verbs of scenarios, checkers, planted bugs");
};

}  // namespace

std::variant<Command, ExitCode> parse_command_line(int argc,
                                                   char** argv,
                                                   versions::Registrations& room_versions) {
    auto registered = versions::register_files(find_version_files(argc, argv));
    if (!registered) {
        std::fprintf(
            stderr, "%s: %s\n", std::string(kVersionFileFlag).c_str(), registered.error().c_str());
        return ExitCode::Usage;
    }
    room_versions = *std::move(registered);
    return CommandLine().parse(argc, argv);
}

}  // namespace matrix::simulator
