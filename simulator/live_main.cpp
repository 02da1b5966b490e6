// `simulator live`: our servers face one real homeserver. The program that joins the simulator and
// the platform; `simulator live ...` starts it.

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>

#include <CLI/CLI.hpp>
#include <sodium.h>

#include "refserver/base/assert.h"
#include "refserver/protocol/room_rules.h"
#include "simulator/live/run.h"

namespace matrix::live {
namespace {

constexpr const char* kAbout =
    "Lets full reference servers in this process face one real homeserver over HTTPS: joins, load, "
    "faults on the links between them, Byzantine peers; then heals the links and checks what the "
    "target makes of it.";

constexpr const char* kFooter = R"(Examples:
  simulator live                                    start the refserver beside this program, and face it
  simulator live --target http://localhost:8008 --ca-dir ./ca
  simulator live --target my-server.yaml --seed 7 --servers 5

The target. `--target` takes the base URL of a client API, or a YAML file as the conformance suite does
(schema: fixtures/schemas/target.json): how to start or reach the server, how to make users there, and
which authority vouches for it. Our servers are called HOST:PORT (localhost and free ports by default):
the target must reach these names and trust their certificates. A server that a target file starts is
given the authority ({ca_file}); one that runs already must trust the file ca.pem of --ca-dir.
`conformance doctor` says what reaches what.

What is repeatable. A seed decides the operations, the faults of each round, the nth request's and the
nth connection's fate on each link, and what Byzantine peers do. It does not decide when things happen:
the target, the network and the clocks are real, so two runs with one seed meet the same plan, and may
see different interleavings. A failure that depends on timing may need several runs.

What is checked. No 5xx and no silence where no link is to blame; whoever is allowed can join; after
healing: the state before events, and the current state where all have the same end; that events which
every state of the room allows are shown, bad ones hidden, and acknowledged ones not lost; every event
that the target sends, by our servers and by the literal oracle. What may legally differ between servers
(which events were soft-failed) is not asserted.

Exit codes:
  0  every check passed, and enough happened to say so
  1  the target does something that the specification does not allow
  2  the flags are wrong, or the target cannot be reached or used
  3  inconclusive: nothing was found, but less happened than the stated minima
  4  stuck: the servers did not come to rest in time; nothing is known)";

struct Flags {
    std::string target;
    int settle_s = 120;
    int answer_s = 30;
    bool has_no_faults = false;
    bool has_no_byzantine = false;
    bool is_json = false;
    std::string log_level = "error";
};

std::string check_version(const std::string& version) {
    if (find_room_rules(version)) return {};
    return "room version '" + version + "' is unknown: expected 1 to 12";
}

void add_target_flags(CLI::App& app, LiveOptions& options, Flags& flags) {
    app.add_option("--target",
                   flags.target,
                   "URL of a client API, or a target file; default: the refserver beside this "
                   "program");
    app.add_option("--registration-shared-secret",
                   options.target.registration_shared_secret,
                   "Make users over /_synapse/admin/v1/register with this secret");
    app.add_option("--ca-dir",
                   options.ca_dir,
                   "Folder of the authority that signs our certificates (ca.pem, ca-key.pem), made "
                   "there if need be; default: a new one for this run");
    app.add_option("--bind", options.bind_ip, "IP address on which our servers listen")
        ->capture_default_str();
    app.add_option("--host", options.host, "Host in our servers' names, by which they are reached")
        ->capture_default_str();
    app.add_option("--first-port",
                   options.first_port,
                   "Port in the first server's name; the others have the next ones; 0: free ports")
        ->capture_default_str();
    app.add_option("--target-log", options.log_file, "Where the output of a started target goes")
        ->capture_default_str();
}

void add_run_flags(CLI::App& app, LiveOptions& options, Flags& flags) {
    PlanOptions& plan = options.plan;
    app.add_option("--seed", plan.seed, "Decides everything that chance decides here")
        ->capture_default_str();
    app.add_option("--servers", plan.servers, "How many servers of ours")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    app.add_option("--rounds", plan.rounds, "How often other faults come into force")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    app.add_option("--operations", plan.operations, "Operations of users in each round")
        ->check(CLI::Range(1, 100'000))
        ->capture_default_str();
    app.add_option("--pause", plan.pause_ms_max, "The longest pause of a user, in milliseconds")
        ->check(CLI::Range(0, 3'600'000))
        ->capture_default_str();
    app.add_option("--room-version",
                   options.room_versions,
                   "One room of each version that the target knows")
        ->check(check_version)
        ->delimiter(',')
        ->capture_default_str();
    app.add_flag("--no-faults", flags.has_no_faults, "Without faults on the links");
    app.add_flag("--no-byzantine", flags.has_no_byzantine, "Without Byzantine peers");
    app.add_option("--settle", flags.settle_s, "Seconds within which a room must come to rest")
        ->check(CLI::Range(1, 86'400))
        ->capture_default_str();
    app.add_option("--answer", flags.answer_s, "Seconds within which the target must answer")
        ->check(CLI::Range(1, 600))
        ->capture_default_str();
    app.add_flag("--json", flags.is_json, "Print the report as one JSON object");
    app.add_option("--log-level", flags.log_level, "What our servers log to standard error")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
        ->capture_default_str();
}

std::string folder_of_this_program() {
    std::error_code error;
    return std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string();
}

void take_flags(const Flags& flags, LiveOptions& options) {
    using runtime::LogLevel;
    const std::map<std::string, LogLevel> levels = {{"debug", LogLevel::Debug},
                                                    {"info", LogLevel::Info},
                                                    {"warning", LogLevel::Warning},
                                                    {"error", LogLevel::Error}};
    const bool is_url = flags.target.starts_with("http://") || flags.target.starts_with("https://");
    (is_url ? options.target.url : options.target.target_file) = flags.target;
    options.target.bin_dir = folder_of_this_program();
    options.settle_within = std::chrono::seconds(flags.settle_s);
    options.answer_within = std::chrono::seconds(flags.answer_s);
    options.plan.has_faults = !flags.has_no_faults;
    options.has_byzantine = !flags.has_no_byzantine;
    options.log_level = levels.at(flags.log_level);
}

int exit_code(Outcome outcome) {
    return static_cast<int>(outcome);
}

int run_command(int argc, char** argv) {
    CLI::App app(kAbout, "simulator live");
    app.footer(kFooter);
    LiveOptions options;
    options.room_versions = {"10", "11", "12"};
    Flags flags;
    add_target_flags(app, options, flags);
    add_run_flags(app, options, flags);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : exit_code(Outcome::Usage);
    }
    take_flags(flags, options);

    Report report;
    const auto done = run_live(options, report, [&](const std::string& line) {
        std::fprintf(stderr, "%s\n", line.c_str());
    });
    if (!done) {
        std::fprintf(stderr, "simulator live: %s\n", done.error().c_str());
        return exit_code(Outcome::Usage);
    }
    const std::string text = flags.is_json
                                 ? report.json({{"seed", std::to_string(options.plan.seed)},
                                                {"servers", std::to_string(options.plan.servers)}})
                                 : report.text();
    std::fputs(text.c_str(), stdout);
    return exit_code(report.outcome());
}

}  // namespace
}  // namespace matrix::live

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    MATRIX_ASSERT(::sodium_init() >= 0);
    return matrix::live::run_command(argc, argv);
}
