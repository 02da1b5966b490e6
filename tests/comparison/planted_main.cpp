// planted_deviations: a table of planted bugs, and after how many cases each was noticed.

#include <algorithm>
#include <fstream>
#include <iostream>
#include <sstream>

#include <CLI/CLI.hpp>

#include "tests/comparison/planted.h"

namespace {

using Cases = std::vector<matrix::oracle::ResolutionCase>;

constexpr int kUnreadable = 2;

// False, with a sentence on standard error, if a file is no file of vectors.
bool read_vectors(const std::vector<std::string>& paths, Cases& vectors) {
    for (const std::string& path : paths) {
        std::ifstream file(path);
        std::ostringstream bytes;
        bytes << file.rdbuf();
        auto cases = matrix::oracle::parse_resolution_cases(bytes.str());
        if (!cases) {
            std::cerr << "planted_deviations: " << path << ": " << cases.error() << '\n';
            return false;
        }
        vectors.insert(vectors.end(), cases->begin(), cases->end());
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app(
        "Plants the known deviations of state resolution in the oracle, one at a time, and "
        "prints after how many random resolutions the resolved state betrays each. Exit "
        "status: 0 if each is noticed, 1 if one survives, 2 for a file that is none of vectors.");
    matrix::comparison::PlantedOptions options;
    app.add_option("--cases", options.cases_max, "at most so many resolutions per algorithm")
        ->capture_default_str();
    std::vector<std::string> paths;
    app.add_option("--vectors", paths, "files of vectors that are asked first");
    app.add_option("--seed", options.seed, "of the rooms")->capture_default_str();
    CLI11_PARSE(app, argc, argv);

    Cases vectors;
    if (!read_vectors(paths, vectors)) return kUnreadable;
    const auto rows = matrix::comparison::try_planted_deviations(options, vectors);
    using matrix::comparison::operator<<;
    std::cout << rows;
    const auto survivors =
        std::ranges::count_if(rows, [](const auto& row) { return !row.is_killed(); });
    std::cout << rows.size() << " planted, " << survivors << " survived\n";
    return survivors == 0 ? 0 : 1;
}
