// Runs a fuzz target over files: what CI does with every corpus, and how a finding is repeated.
//
// Usage: fuzz_replay TARGET FILE|FOLDER...   each input, and the law that it breaks
//        fuzz_replay --vector TARGET FILE    the finding as JSON, with its input in base64
//        fuzz_replay --list                  the targets
// Exit status: 0 if all laws hold, 1 if one is broken, 2 for wrong usage.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "fuzz/target.h"
#include "refserver/protocol/base64.h"
#include "refserver/protocol/utf8.h"

namespace matrix::fuzz {
namespace {

using Path = std::filesystem::path;

std::vector<Path> inputs_of(const std::vector<std::string>& arguments) {
    std::vector<Path> files;
    for (const std::string& argument : arguments) {
        if (!std::filesystem::is_directory(argument)) {
            files.emplace_back(argument);
            continue;
        }
        for (const auto& entry : std::filesystem::directory_iterator(argument)) {
            files.push_back(entry.path());
        }
    }
    std::ranges::sort(files);
    return files;
}

std::optional<std::string> read_input(const Path& path) {
    std::ifstream stream(path, std::ios::binary);
    if (!stream) {
        std::fprintf(stderr, "fuzz_replay: cannot read %s\n", path.c_str());
        return std::nullopt;
    }
    return std::string(std::istreambuf_iterator<char>(stream), {});
}

int list_targets() {
    for (const Target& target : all_targets()) {
        std::printf("%-16s %s\n", target.name.data(), target.about.data());
    }
    return 0;
}

int replay(const Target& target, const std::vector<Path>& files) {
    int broken = 0;
    for (const Path& file : files) {
        const auto bytes = read_input(file);
        if (!bytes) return 2;
        const Outcome outcome = target.run(*bytes);
        if (!outcome) continue;
        ++broken;
        std::printf("%s: broken law: %s\n", file.c_str(), outcome->law.c_str());
    }
    std::printf(
        "%s: %zu inputs replayed, %d break a law\n", target.name.data(), files.size(), broken);
    return broken > 0 ? 1 : 0;
}

int print_vector(const Target& target, const Path& file) {
    const auto bytes = read_input(file);
    if (!bytes) return 2;
    const Outcome outcome = target.run(*bytes);
    json::Object vector = outcome ? outcome->vector : json::Object();
    vector.set("broken_law", outcome ? json::Value(outcome->law) : json::Value());
    vector.set("fuzz_input", encode_base64(*bytes));
    vector.set("fuzz_target", target.name);
    std::printf("%s\n", json::write(vector).c_str());
    return outcome ? 1 : 0;
}

int run(std::vector<std::string> arguments) {
    if (arguments == std::vector<std::string>{"--list"}) return list_targets();
    const bool wants_vector = !arguments.empty() && arguments[0] == "--vector";
    if (wants_vector) arguments.erase(arguments.begin());
    const Target* target = arguments.empty() ? nullptr : find_target(arguments[0]);
    if (!target || arguments.size() < 2 || (wants_vector && arguments.size() != 2)) {
        std::fprintf(stderr,
                     "usage: fuzz_replay [--vector] TARGET FILE|FOLDER...\n"
                     "       fuzz_replay --list\n");
        return 2;
    }
    arguments.erase(arguments.begin());
    const std::vector<Path> files = inputs_of(arguments);
    if (files.empty()) {
        std::fprintf(stderr, "fuzz_replay: no input in %s\n", arguments[0].c_str());
        return 2;
    }
    return wants_vector ? print_vector(*target, files[0]) : replay(*target, files);
}

}  // namespace
}  // namespace matrix::fuzz

int main(int argc, char** argv) {
    return matrix::fuzz::run(std::vector<std::string>(argv + 1, argv + argc));
}
