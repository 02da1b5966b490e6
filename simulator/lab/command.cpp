#include "simulator/lab/command.h"

#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "refserver/base/result_macros.h"
#include "refserver/versions/room_version_file.h"
#include "simulator/lab/compare.h"
#include "simulator/sweep/seeds.h"

namespace matrix::lab {
namespace {

constexpr int kUsage = 2;
constexpr std::uint64_t kWorldsMax = 1'000'000;

constexpr const char* kExamples = R"(
Examples:
  simulator compare --a 11 --b 12 --seeds 0..999
  simulator compare --a 12 --b my-version.yaml --seeds 0..999 --wrong-answers 1 --html page.html
  simulator compare --a 11 --b 12 --seeds 0..49 --worlds servers

The same flags give the same tables, but for the row of real milliseconds (--timing). What the words
mean: simulator/lab/README.md.

Exit codes:
  0  compared, whatever the result
  2  wrong usage, or a file cannot be read or written
)";

struct Flags {
    std::string a = "11";
    std::string b = "12";
    std::string seeds = "0..999";
    std::string worlds = "model";
    std::string html;
    std::size_t wrong_answers = 0;
    bool wants_timing = false;
    bool is_quiet = false;
};

/// "0..999", or one number.
std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_seeds(std::string_view text) {
    const std::size_t dots = text.find("..");
    const auto first = simulator::parse_number(text.substr(0, dots));
    const auto last =
        dots == std::string_view::npos ? first : simulator::parse_number(text.substr(dots + 2));
    if (!first || !last || *first > *last || *last - *first >= kWorldsMax) return std::nullopt;
    return std::pair(*first, *last);
}

// A version by its name, or by a file, which stays registered as long as `registered`.
std::expected<const RoomRules*, std::string> find_version(const std::string& name,
                                                          versions::Registrations& registered) {
    if (const RoomRules* rules = find_room_rules(name)) return rules;
    const std::vector<std::string> paths = {name};
    ASSIGN_OR_RETURN(versions::Registrations more, versions::register_files(paths));
    registered.push_back(std::move(more.front()));
    return &registered.back()->rules();
}

std::string tell_command(const Flags& flags) {
    std::string text = "simulator compare --a " + flags.a + " --b " + flags.b + " --seeds " +
                       flags.seeds + " --worlds " + flags.worlds;
    if (flags.wrong_answers > 0) text += " --wrong-answers " + std::to_string(flags.wrong_answers);
    return text + (flags.wants_timing ? " --timing" : "");
}

std::expected<void, std::string> compare(const Flags& flags, const Stopwatch& stopwatch) {
    versions::Registrations registered;
    CompareOptions options;
    ASSIGN_OR_RETURN(options.a, find_version(flags.a, registered));
    ASSIGN_OR_RETURN(options.b, find_version(flags.b, registered));
    const auto seeds = parse_seeds(flags.seeds);
    if (!seeds) {
        return std::unexpected("--seeds: expected FIRST..LAST, at most a million, not \"" +
                               flags.seeds + '"');
    }
    options.first_seed = seeds->first;
    options.last_seed = seeds->second;
    options.wrong_answers = flags.wrong_answers;
    options.worlds = flags.worlds == "model" ? Worlds::Model : Worlds::Servers;
    if (options.worlds == Worlds::Servers && (options.wrong_answers > 0 || !flags.html.empty())) {
        return std::unexpected(
            "--worlds servers: expected neither --wrong-answers nor --html, which model worlds "
            "have");
    }
    options.wants_cases = !flags.html.empty();
    if (flags.wants_timing) options.stopwatch = stopwatch;
    if (!flags.is_quiet) {
        options.on_progress = [](std::uint64_t done) {
            if (done % 10 == 0)
                std::fprintf(stderr, "\r%llu worlds", static_cast<unsigned long long>(done));
        };
    }
    const Comparison comparison = compare_versions(options);
    if (!flags.is_quiet) std::fputs("\r                    \r", stderr);
    std::fputs(write_report(comparison, tell_command(flags)).c_str(), stdout);
    if (flags.html.empty()) return {};
    std::ofstream file(flags.html, std::ios::binary);
    file << write_compare_page(comparison) << std::flush;
    if (!file.good()) return std::unexpected(flags.html + ": expected a file that can be written");
    return {};
}

}  // namespace

int run_compare_command(int count, char** arguments, const Stopwatch& stopwatch) {
    CLI::App app("Runs the same worlds under two room versions, and says what each does to rooms.",
                 "simulator compare");
    app.footer(kExamples);
    Flags flags;
    app.add_option("--a",
                   flags.a,
                   "A room version: 1 to 12, or a YAML file of one (fixtures/room_versions)")
        ->capture_default_str();
    app.add_option("--b", flags.b, "The other one")->capture_default_str();
    app.add_option("--seeds", flags.seeds, "The worlds, FIRST..LAST")->capture_default_str();
    app.add_option(
           "--worlds", flags.worlds, "model: rooms and their states alone; servers: whole servers")
        ->check(CLI::IsMember({"model", "servers"}))
        ->capture_default_str();
    app.add_option(
           "--wrong-answers",
           flags.wrong_answers,
           "How often in a model world a server is told a state with an entry that is too old")
        ->check(CLI::Range(0, 20))
        ->capture_default_str();
    app.add_option("--html", flags.html, "Write the worst worlds, cut down and explained")
        ->type_name("FILE");
    app.add_flag("--timing", flags.wants_timing, "Measure real time too, which is never the same");
    app.add_flag("--quiet", flags.is_quiet, "Without progress");
    try {
        app.parse(count, arguments);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : kUsage;
    }
    const auto compared = compare(flags, stopwatch);
    if (compared) return 0;
    std::fprintf(stderr, "simulator compare: %s\n", compared.error().c_str());
    return kUsage;
}

}  // namespace matrix::lab
