// P-R20: what depends on how the text is read is told by name, never silently.
//
// Two questions that servers answer differently: is a state event in the auth chains of its own
// state, and do auth events count beyond those that are cited directly?

#include <algorithm>
#include <array>
#include <map>

#include <gtest/gtest.h>

#include "tests/comparison/vector_making.h"

namespace matrix::comparison {
namespace {

using oracle::Quirk;

constexpr std::array kReadings = {
    Quirk::InclusiveChains, Quirk::EnlargeThroughConflicted, Quirk::ReachabilityEdges};

using Sets = std::vector<oracle::StateMap>;

std::vector<EventId> resolve_under(const oracle::Quirks& quirks,
                                   const oracle::Room& room,
                                   const Sets& sets) {
    return oracle::list_event_ids(oracle::resolve(room, sets, {.quirks = quirks}).state);
}

std::vector<Quirk> list_other_readings(const oracle::Room& room, const Sets& sets) {
    const auto plain = resolve_under({}, room, sets);
    std::vector<Quirk> others;
    for (const Quirk quirk : kReadings) {
        if (resolve_under({quirk}, room, sets) != plain) others.push_back(quirk);
    }
    return others;
}

// A vector names exactly the readings that give another state, each with that state.
void check_what_is_told(const oracle::ResolutionCase& vector) {
    const oracle::Room room = vector.make_room();
    const auto others = list_other_readings(room, vector.state_sets);
    for (const Quirk quirk : kReadings) {
        const auto told = vector.differs_under.find(std::string(oracle::name_of(quirk)));
        const bool is_told = told != vector.differs_under.end();
        EXPECT_EQ(is_told, std::ranges::find(others, quirk) != others.end())
            << vector.name << ", " << oracle::name_of(quirk);
        if (!is_told) continue;
        EXPECT_EQ(told->second, resolve_under({quirk}, room, vector.state_sets)) << vector.name;
    }
}

// Of each reading, in how many disputes it gives another state. A vector is made of each of these.
std::map<Quirk, int> count_other_states(StateResolution algorithm) {
    constexpr std::uint64_t kRooms = 250;
    std::map<Quirk, int> counts;
    for (std::uint64_t number = 0; number < kRooms; ++number) {
        const SeededRoom seeded = make_seeded_room({.algorithm = algorithm}, number);
        for (const Dispute& dispute : seeded.disputes) {
            const auto others = list_other_readings(oracle_room_of(seeded.room, dispute.missing),
                                                    state_maps_of(dispute.states));
            for (const Quirk quirk : others)
                ++counts[quirk];
            if (others.empty()) continue;
            const auto made = make_case(seeded.room, dispute, "room " + std::to_string(number));
            EXPECT_TRUE(made) << made.error();
            if (made) check_what_is_told(made->vector);
        }
    }
    return counts;
}

TEST(ReadingsOfTheText, AreToldByNameInV2) {
    std::map<Quirk, int> counts = count_other_states(StateResolution::V2);
    for (const Quirk quirk : kReadings)
        EXPECT_GT(counts[quirk], 0) << oracle::name_of(quirk) << " changes no state";
}

// The full conflicted set of v2.1 is closed under paths (P-R9), so that direct and full are one.
TEST(ReadingsOfTheText, AreOneButForChainsInV2_1) {
    std::map<Quirk, int> counts = count_other_states(StateResolution::V2_1);
    EXPECT_EQ(counts[Quirk::EnlargeThroughConflicted], 0);
    EXPECT_EQ(counts[Quirk::ReachabilityEdges], 0);
    EXPECT_GT(counts[Quirk::InclusiveChains], 0);
}

}  // namespace
}  // namespace matrix::comparison
