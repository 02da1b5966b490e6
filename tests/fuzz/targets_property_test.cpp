// Every fuzz target as a property: seeds of its corpus with damage, and any bytes.
//
// RapidCheck shrinks what it finds here to fewer and simpler bytes.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "fuzz/target.h"

namespace matrix::fuzz {
namespace {

using Corpus = std::vector<std::string>;

Corpus load_corpus(const Target& target) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry :
         std::filesystem::directory_iterator("fuzz/corpus/" + std::string(target.name))) {
        files.push_back(entry.path());
    }
    std::ranges::sort(files);
    Corpus corpus;
    for (const auto& file : files) {
        std::ifstream stream(file, std::ios::binary);
        corpus.emplace_back(std::istreambuf_iterator<char>(stream),
                            std::istreambuf_iterator<char>());
    }
    return corpus;
}

std::size_t draw_below(std::size_t bound) {
    return *rc::gen::inRange<std::size_t>(0, bound);
}

// Replaces, takes out or doubles a piece; the pieces of two seeds make a third.
std::string draw_damaged(const Corpus& corpus) {
    std::string bytes = *rc::gen::elementOf(corpus);
    for (std::size_t i = draw_below(4); i > 0 && !bytes.empty(); --i) {
        const std::size_t at = draw_below(bytes.size());
        const std::size_t count = draw_below(std::min<std::size_t>(bytes.size() - at, 16) + 1);
        switch (draw_below(4)) {
            case 0:
                bytes[at] = *rc::gen::arbitrary<char>();
                break;
            case 1:
                bytes.erase(at, count);
                break;
            case 2:
                bytes.insert(at, bytes.substr(at, count));
                break;
            default:
                const std::string other = *rc::gen::elementOf(corpus);
                bytes = bytes.substr(0, at) + other.substr(std::min(at, other.size()));
        }
    }
    return bytes;
}

class FuzzTarget : public ::testing::TestWithParam<Target> {};

TEST_P(FuzzTarget, BreaksNoLaw) {
    const Target& target = GetParam();
    const Corpus corpus = load_corpus(target);
    ASSERT_FALSE(corpus.empty());
    const bool holds = rc::check(std::string(target.name), [&] {
        const std::string bytes =
            draw_below(4) == 0 ? *rc::gen::arbitrary<std::string>() : draw_damaged(corpus);
        const Outcome outcome = target.run(bytes);
        if (outcome) RC_FAIL(outcome->law + ": " + json::write(outcome->vector));
    });
    EXPECT_TRUE(holds);
}

INSTANTIATE_TEST_SUITE_P(Targets,
                         FuzzTarget,
                         ::testing::ValuesIn(all_targets().begin(), all_targets().end()),
                         [](const auto& suite) { return std::string(suite.param.name); });

}  // namespace
}  // namespace matrix::fuzz
