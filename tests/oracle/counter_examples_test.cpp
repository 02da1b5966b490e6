// The hand-made counter-examples: the text's result, by both implementations, and which known
// deviations of other implementations change it, and to what.

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "conformance/oracle/classifier.h"
#include "conformance/oracle/vectors.h"
#include "refserver/protocol/state_resolution.h"

namespace matrix::oracle {
namespace {

constexpr const char* kFile = "fixtures/vectors/state_resolution/counter_examples.json";

std::vector<ResolutionCase> load_cases() {
    std::ifstream file(kFile);
    std::stringstream bytes;
    bytes << file.rdbuf();
    auto cases = parse_resolution_cases(bytes.str());
    if (!cases) {
        ADD_FAILURE() << kFile << ": " << cases.error();
        return {};
    }
    EXPECT_GE(cases->size(), 30U);
    return *std::move(cases);
}

std::vector<EventId> resolve_by_oracle(const ResolutionCase& vector, const Options& options = {}) {
    return list_event_ids(resolve(vector.make_room(), vector.state_sets, options).state);
}

std::vector<EventId> resolve_by_protocol(const ResolutionCase& vector) {
    const Room room = vector.make_room();
    std::vector<State> states;
    for (const StateMap& map : vector.state_sets) {
        State state;
        for (const auto& [key, id] : map)
            state = state.with({key.first, key.second}, id);
        states.push_back(state);
    }
    const FindEvent find = [&](const EventId& id) {
        const ReadEvent* event = room.find(id);
        return event ? auth::CitedEvent{event->event, event->is_rejected()} : auth::CitedEvent{};
    };
    const State resolved = matrix::resolve(states, find, *vector.rules, ed25519_verifier());
    std::vector<EventId> ids;
    resolved.for_each([&](const StateKey&, const EventId& id) { ids.push_back(id); });
    std::ranges::sort(ids);
    return ids;
}

TEST(CounterExamples, AreResolvedAsTheTextSays) {
    for (const ResolutionCase& vector : load_cases()) {
        EXPECT_EQ(resolve_by_oracle(vector), vector.resolved) << vector.name;
    }
}

TEST(CounterExamples, AreResolvedSoByTheFastImplementation) {
    for (const ResolutionCase& vector : load_cases()) {
        EXPECT_EQ(resolve_by_protocol(vector), vector.resolved) << vector.name;
    }
}

// The lists are complete: a quirk that a case does not name changes nothing there.
TEST(CounterExamples, DifferUnderTheQuirksThatTheyName) {
    for (const ResolutionCase& vector : load_cases()) {
        for (const QuirkRow& row : quirk_table()) {
            const auto named = vector.differs_under.find(std::string(row.name));
            const auto& expected =
                named == vector.differs_under.end() ? vector.resolved : named->second;
            EXPECT_EQ(resolve_by_oracle(vector, {.quirks = {row.quirk}}), expected)
                << vector.name << " with " << row.name;
        }
    }
}

TEST(CounterExamples, ShowEveryQuirk) {
    std::set<std::string> shown;
    for (const ResolutionCase& vector : load_cases()) {
        for (const auto& [quirk, resolved] : vector.differs_under) {
            EXPECT_NE(resolved, vector.resolved) << vector.name;
            shown.insert(quirk);
        }
    }
    for (const QuirkRow& row : quirk_table())
        EXPECT_TRUE(shown.contains(std::string(row.name))) << row.name;
}

TEST(Classifier, NamesTheSmallestSetOfQuirks) {
    for (const ResolutionCase& vector : load_cases()) {
        const Room room = vector.make_room();
        EXPECT_EQ(classify(room, vector.state_sets, vector.resolved), std::vector<Quirk>{});
        for (const auto& [name, resolved] : vector.differs_under) {
            const auto quirks = classify(room, vector.state_sets, resolved);
            ASSERT_TRUE(quirks) << vector.name << " with " << name;
            ASSERT_EQ(quirks->size(), 1U) << vector.name << " with " << name;
            const auto label = vector.differs_under.find(std::string(name_of(quirks->front())));
            ASSERT_NE(label, vector.differs_under.end());
            EXPECT_EQ(label->second, resolved) << vector.name;
        }
    }
}

TEST(Classifier, FindsQuirksThatActTogether) {
    const std::vector<ResolutionCase> cases = load_cases();
    const auto vector = std::ranges::find(cases, "S9 and S13 in one room", &ResolutionCase::name);
    ASSERT_NE(vector, cases.end());
    const std::vector<Quirk> both = {Quirk::NoMainlineIsOldest, Quirk::RejectedNotApplied};
    const std::vector<EventId> answer =
        resolve_by_oracle(*vector, {.quirks = {both.front(), both.back()}});
    EXPECT_EQ(classify(vector->make_room(), vector->state_sets, answer), both);
}

TEST(Classifier, HasNoNameForANewFinding) {
    const ResolutionCase vector = load_cases().front();
    const std::vector<EventId> answer = {EventId("$E0")};
    EXPECT_EQ(classify(vector.make_room(), vector.state_sets, answer), std::nullopt);
}

// The table that people read is the one that the program has.
TEST(Quirks, StandInTheReadme) {
    std::ifstream file("conformance/oracle/README.md");
    std::stringstream text;
    text << file.rdbuf();
    for (const QuirkRow& row : quirk_table()) {
        std::ostringstream line;
        line << "| `" << row.name << "` | " << row.number << " | " << row.who << " | "
             << row.sentence << " |\n";
        EXPECT_THAT(text.str(), ::testing::HasSubstr(line.str()));
    }
}

TEST(Quirks, AreFoundByName) {
    for (const QuirkRow& row : quirk_table()) {
        EXPECT_EQ(find_quirk(row.name), row.quirk);
        EXPECT_EQ(name_of(row.quirk), row.name);
    }
    const auto unknown = find_quirk("nonsense");
    ASSERT_FALSE(unknown);
    EXPECT_THAT(unknown.error(), ::testing::HasSubstr("\"nonsense\""));
    EXPECT_THAT(unknown.error(), ::testing::HasSubstr("inclusive-chains, enlarge-through"));
}

}  // namespace
}  // namespace matrix::oracle
