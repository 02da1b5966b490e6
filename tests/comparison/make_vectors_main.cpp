// make_vectors: test vectors of state resolution, from a seed.

#include <fstream>
#include <iostream>

#include <CLI/CLI.hpp>

#include "tests/comparison/vector_making.h"

namespace {

using Vectors = std::expected<std::vector<matrix::oracle::ResolutionCase>, std::string>;

constexpr int kFailed = 1;
constexpr int kUsage = 2;

struct Arguments {
    std::string set = "standard";
    std::string algorithm = "v2";
    std::size_t count = 13'000;
    std::size_t rooms = 2'000;
    std::string shard = "1/1";
    std::string out;
    std::string schema = "../../schemas/state_resolution.json";
    matrix::comparison::VectorOptions options;
};

bool read_numbers(Arguments& arguments) {
    const auto algorithm = matrix::comparison::find_algorithm(arguments.algorithm);
    const auto shard = matrix::comparison::parse_shard(arguments.shard);
    if (!shard || !algorithm) return false;
    arguments.options.algorithm = *algorithm;
    arguments.options.shard = *shard;
    return arguments.set == "standard" || arguments.set == "chosen";
}

Vectors make(const Arguments& arguments) {
    if (arguments.set == "chosen") {
        return matrix::comparison::choose_vectors(
            arguments.options.seed, arguments.count, arguments.rooms);
    }
    return matrix::comparison::make_vectors(arguments.options, arguments.count);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app(
        "Writes test vectors of state resolution, each confirmed by the fast resolver and "
        "by the oracle. Exit status: 0 if they are written, 1 if the two differ on one "
        "(which is shown, and nothing is written), 2 for wrong arguments.");
    Arguments arguments;
    app.add_option("--set",
                   arguments.set,
                   "standard: random rooms of one algorithm; chosen: small ones of all versions")
        ->capture_default_str();
    app.add_option("--algorithm", arguments.algorithm, "v1, v2 or v2.1")->capture_default_str();
    app.add_option("--count", arguments.count, "how many vectors")->capture_default_str();
    app.add_option("--rooms", arguments.rooms, "chosen: how many rooms of a version to try")
        ->capture_default_str();
    app.add_option("--seed", arguments.options.seed, "of the rooms")->capture_default_str();
    app.add_option("--shard", arguments.shard, "standard: i/n, only this part of the rooms")
        ->capture_default_str();
    app.add_option("--schema", arguments.schema, "path of the schema, from the file")
        ->capture_default_str();
    app.add_option("--out", arguments.out, "the file to write")->required();
    CLI11_PARSE(app, argc, argv);
    if (!read_numbers(arguments)) {
        std::cerr << "make_vectors: expected --algorithm v1, v2 or v2.1, --shard i/n and --set "
                     "standard or chosen\n";
        return kUsage;
    }
    const Vectors vectors = make(arguments);
    if (!vectors) {
        std::cerr << "make_vectors: " << vectors.error() << '\n';
        return kFailed;
    }
    std::ofstream file(arguments.out);
    file << write_resolution_cases(*vectors, arguments.schema);
    file.close();
    if (!file) {
        std::cerr << "make_vectors: cannot write " << arguments.out << '\n';
        return kFailed;
    }
    std::cout << vectors->size() << " vectors in " << arguments.out << '\n';
    return 0;
}
