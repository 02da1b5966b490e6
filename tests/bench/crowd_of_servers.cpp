// Many simulated servers in one room: how long it takes, and how much memory.
//
// They join it one after the other, and then send messages, each of which reaches every other
// server. Prints one row of ci/nightly.md; exits 1 if something did not arrive or a bound was not
// held.

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <optional>

#include <CLI/CLI.hpp>
#include <sys/resource.h>

#include "tests/bench/busy_room.h"

namespace {

using namespace matrix::simulator;

struct Flags {
    int servers = 1000;
    int events = 1000;
    double seconds_max = 600;
    long megabytes_max = 16L * 1024;
};

// The exit code, when there is nothing to do but exit.
std::optional<int> parse_flags(CLI::App& app, Flags& flags, int argc, char** argv) {
    app.add_option("--servers", flags.servers, "In the room")
        ->check(CLI::Range(2, 10'000))
        ->capture_default_str();
    app.add_option("--events", flags.events, "Messages at least, the same number of each server")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    app.add_option("--seconds", flags.seconds_max, "May it take, of CPU")->capture_default_str();
    app.add_option("--megabytes", flags.megabytes_max, "May it take at most")
        ->capture_default_str();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    return std::nullopt;
}

long peak_megabytes() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
}

// Of this process: what a loaded machine leaves comparable.
double cpu_seconds() {
    return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

void print_progress(const char* what) {
    std::fprintf(stderr, "%s after %.0f s, %ld MB\n", what, cpu_seconds(), peak_megabytes());
}

int run_crowd(const Flags& flags) {
    BusyRoomOptions options;
    options.cluster.servers = flags.servers;
    options.cluster.users_per_server = 1;
    options.messages_per_user = (flags.events + flags.servers - 1) / flags.servers;
    options.pause_us_max = 60'000'000;
    BusyRoom room(options);
    print_progress("all opened");
    if (!room.set_up()) {
        std::fprintf(stderr, "not every server could join\n");
        return 1;
    }
    print_progress("all joined");
    const std::uint64_t of_joins = room.deliveries();
    const auto sent = static_cast<std::uint64_t>(options.messages_per_user * flags.servers);
    const bool is_done = room.talk();
    const std::uint64_t of_messages = room.deliveries() - of_joins;
    const bool has_all =
        is_done && of_messages == sent * static_cast<std::uint64_t>(flags.servers - 1);
    const bool is_within =
        cpu_seconds() <= flags.seconds_max && peak_megabytes() <= flags.megabytes_max;
    std::printf(
        "| crowd | %d servers in one room, %llu messages | %llu deliveries of joins, %llu of"
        " messages; %.0f s of CPU, %ld MB at most | %s |\n",
        flags.servers,
        static_cast<unsigned long long>(sent),
        static_cast<unsigned long long>(of_joins),
        static_cast<unsigned long long>(of_messages),
        cpu_seconds(),
        peak_megabytes(),
        !has_all     ? "some did not arrive"
        : !is_within ? "all arrived, over the bound"
                     : "all arrived");
    return has_all && is_within ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Many simulated servers in one room: how long it takes, and how much memory.");
    Flags flags;
    const std::optional<int> exit_code = parse_flags(app, flags, argc, argv);
    return exit_code ? *exit_code : run_crowd(flags);
}
