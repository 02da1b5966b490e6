// The committed vectors of state resolution: each by both implementations, and with its quirks.

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/comparison/vector_making.h"

namespace matrix::comparison {
namespace {

std::vector<oracle::ResolutionCase> read_vectors(const std::string& file) {
    std::ifstream stream("fixtures/vectors/state_resolution/" + file);
    std::ostringstream bytes;
    bytes << stream.rdbuf();
    auto cases = oracle::parse_resolution_cases(bytes.str());
    EXPECT_TRUE(cases.has_value())
        << file << ": " << (cases ? oracle::VectorError() : cases.error());
    return cases ? std::move(*cases) : std::vector<oracle::ResolutionCase>();
}

class ResolutionVectors : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Files,
                         ResolutionVectors,
                         ::testing::Values("tiny", "small", "counter_examples"),
                         [](const auto& info) { return info.param; });

TEST_P(ResolutionVectors, AreResolvedAsTheySay) {
    const auto cases = read_vectors(GetParam() + ".json");
    EXPECT_FALSE(cases.empty());
    for (const oracle::ResolutionCase& vector : cases) {
        const auto fault = find_fault(vector);
        EXPECT_FALSE(fault.has_value()) << vector.name << ": " << *fault;
    }
}

// What they are chosen for: every version, every quirk that random rooms show, and many rules.
TEST(ResolutionVectors, ShowWhatTheyWereChosenFor) {
    std::map<std::string_view, int> versions;
    std::set<std::string> quirks;
    for (const oracle::ResolutionCase& vector : read_vectors("small.json")) {
        ++versions[vector.rules->version];
        for (const auto& [quirk, resolved] : vector.differs_under)
            quirks.insert(quirk);
    }
    EXPECT_EQ(versions.size(), all_room_rules().size());
    for (const auto& [version, count] : versions)
        EXPECT_GE(count, 60) << version;
    EXPECT_GE(quirks.size(), 15U);
}

}  // namespace
}  // namespace matrix::comparison
