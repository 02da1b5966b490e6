// planted_deviations: a table of planted bugs, and after how many cases each was noticed.

#include <algorithm>
#include <iostream>

#include <CLI/CLI.hpp>

#include "tests/comparison/planted.h"

int main(int argc, char** argv) {
    CLI::App app(
        "Plants the known deviations of state resolution in the oracle, one at a time, and "
        "prints after how many random resolutions the resolved state betrays each. Exit "
        "status: 0 if each is noticed, 1 if one survives.");
    matrix::comparison::PlantedOptions options;
    app.add_option("--cases", options.cases_max, "at most so many resolutions per algorithm")
        ->capture_default_str();
    app.add_option("--seed", options.seed, "of the rooms")->capture_default_str();
    CLI11_PARSE(app, argc, argv);

    const auto rows = matrix::comparison::try_planted_deviations(options);
    using matrix::comparison::operator<<;
    std::cout << rows;
    const auto survivors =
        std::ranges::count_if(rows, [](const auto& row) { return !row.is_killed(); });
    std::cout << rows.size() << " planted, " << survivors << " survived\n";
    return survivors == 0 ? 0 : 1;
}
