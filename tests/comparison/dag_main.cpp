// enumerate_dags: every room of a few events, by both resolvers and in all delivery orders.

#include <chrono>
#include <iostream>

#include <CLI/CLI.hpp>

#include "tests/comparison/dag_enumeration.h"
#include "tests/comparison/progress.h"

namespace {

using matrix::comparison::DagOptions;

constexpr int kDiffers = 1;
constexpr int kUsage = 2;

void print_alphabet() {
    std::cout << "letters:\n";
    for (matrix::comparison::Letter letter = 0; letter < matrix::comparison::kLetters; ++letter)
        std::cout << "  " << matrix::comparison::describe_letter(letter) << '\n';
    std::cout << "power patterns:\n";
    for (const auto pattern : matrix::comparison::kPowerPatterns)
        std::cout << "  " << matrix::comparison::name_of(pattern) << '\n';
}

void show_progress(const std::string& version, std::size_t done, std::size_t all) {
    constexpr std::size_t kShapesPerLine = 50;
    if (done % kShapesPerLine != 0) return;
    matrix::comparison::print_progress("version " + version + ": " + std::to_string(done) + " of " +
                                       std::to_string(all) + " shapes");
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app(
        "Enumerates every room whose event graph has so many events and antichains as "
        "parents, over a fixed alphabet, and compares the fast resolver, the oracle and "
        "all delivery orders. Exit status: 0 if all agree, 1 if not, 2 for wrong "
        "arguments.");
    DagOptions options;
    std::vector<std::string> versions = {"1", "11", "12"};
    std::string shard = "1/1";
    app.add_option("--events", options.event_count, "how many events, 1 to 5")
        ->capture_default_str();
    app.add_option("--versions", versions, "room versions")->capture_default_str();
    app.add_option("--shard", shard, "i/n: only this part of the rooms, n at most 64")
        ->capture_default_str();
    app.add_flag("--play", options.plays_deliveries, "play every delivery order on a server, too");
    CLI11_PARSE(app, argc, argv);

    const bool has_size =
        options.event_count >= 1 && options.event_count <= matrix::comparison::kSmallRoomEventsMax;
    const auto part = matrix::comparison::parse_shard(shard, matrix::comparison::kDagShardsMax);
    if (!part || !has_size) {
        std::cerr << "enumerate_dags: expected --events 1 to 5 and --shard i/n, n at most "
                  << matrix::comparison::kDagShardsMax << '\n';
        return kUsage;
    }
    options.shard = *part;
    print_alphabet();
    for (const std::string& version : versions) {
        options.rules = matrix::find_room_rules(version);
        if (!options.rules) {
            std::cerr << "enumerate_dags: there is no room version " << version << '\n';
            return kUsage;
        }
        options.on_progress = [&version](std::size_t done, std::size_t all) {
            show_progress(version, done, all);
        };
        const auto start = std::chrono::steady_clock::now();
        const auto result = matrix::comparison::enumerate_dags(options);
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
        matrix::comparison::clear_progress();
        using matrix::comparison::operator<<;
        std::cout << "version " << version << ", " << options.event_count
                  << " events: " << result.counts << "; " << seconds.count() << " s\n";
        if (result.difference) {
            std::cout << *result.difference << '\n';
            return kDiffers;
        }
    }
    std::cout << "no differences\n";
    return 0;
}
