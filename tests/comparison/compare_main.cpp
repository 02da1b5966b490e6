// compare_resolutions: the fast resolver against the oracle, over random rooms.

#include <chrono>
#include <iostream>

#include <CLI/CLI.hpp>

#include "refserver/versions/room_version_file.h"
#include "tests/comparison/comparison.h"
#include "tests/comparison/progress.h"

namespace {

using matrix::comparison::ComparisonOptions;
using matrix::comparison::ComparisonResult;

constexpr int kDiffers = 1;
constexpr int kUsage = 2;

}  // namespace

int main(int argc, char** argv) {
    CLI::App app(
        "Resolves states of random rooms by the fast resolver and by the oracle, and "
        "compares the results, the orders and each verdict. Exit status: 0 if they agree, "
        "1 if they differ or most of what is drawn is discarded, 2 for wrong arguments.");
    ComparisonOptions options;
    std::string algorithm = "v2";
    std::string shard = "1/1";
    std::string realism = "abstract";
    std::vector<std::string> room_version_files;
    app.add_option("--algorithm", algorithm, "v1, v2 or v2.1")->capture_default_str();
    app.add_option("--count", options.count, "how many resolutions")->capture_default_str();
    app.add_option("--seed", options.seed, "of the rooms")->capture_default_str();
    app.add_option("--shard", shard, "i/n: only this part of the rooms")->capture_default_str();
    app.add_option("--room-version-file",
                   room_version_files,
                   "a room version as YAML, instead of those of an algorithm");
    app.add_option("--realism", realism, "abstract, encoded or signed")->capture_default_str();
    CLI11_PARSE(app, argc, argv);

    const auto found = matrix::comparison::find_algorithm(algorithm);
    const auto part = matrix::comparison::parse_shard(shard);
    if (!found || !part) {
        std::cerr << "compare_resolutions: expected --algorithm v1, v2 or v2.1 and --shard i/n\n";
        return kUsage;
    }
    const auto registered = matrix::versions::register_files(room_version_files);
    if (!registered || registered->size() > 1) {
        std::cerr << "compare_resolutions: "
                  << (registered ? "expected one --room-version-file" : registered.error()) << '\n';
        return kUsage;
    }
    if (!registered->empty()) {
        options.rules = &registered->front()->rules();
        algorithm = matrix::versions::describe(*options.rules);
    }
    options.algorithm = *found;
    options.shard = *part;
    options.realism = realism == "signed"    ? matrix::generators::Realism::Signed
                      : realism == "encoded" ? matrix::generators::Realism::Encoded
                                             : matrix::generators::Realism::Abstract;
    options.on_progress = [](std::uint64_t done) {
        constexpr std::uint64_t kResolutionsPerLine = 10'000;
        if (done % kResolutionsPerLine != 0) return;
        matrix::comparison::print_progress(std::to_string(done) + " resolutions");
    };

    const auto start = std::chrono::steady_clock::now();
    const ComparisonResult result = compare_resolutions(options);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    matrix::comparison::clear_progress();
    std::cout << "algorithm " << algorithm << ", seed " << options.seed << ", shard " << shard
              << '\n'
              << result.counts << '\n'
              << result.counts.acceptance << '\n'
              << static_cast<double>(result.counts.resolutions) / seconds.count()
              << " resolutions a second\n";
    if (result.difference) {
        std::cout << *result.difference;
        return kDiffers;
    }
    if (const auto check = result.counts.acceptance.check(); !check) {
        std::cout << check.error() << '\n';
        return kDiffers;
    }
    std::cout << "no differences\n";
    return 0;
}
