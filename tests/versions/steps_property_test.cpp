// Versions given as data: the fast resolver and rules agree with the oracle about all of them.

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "conformance/oracle/vectors.h"
#include "refserver/versions/room_version_fields.h"
#include "refserver/versions/room_version_file.h"
#include "tests/comparison/answers.h"
#include "tests/comparison/comparison.h"
#include "tests/generators/state_sets.h"

namespace matrix::versions {
namespace {

using comparison::Dispute;
using comparison::SeededRoom;

/// One value of one step.
struct Variant {
    const RuleField* field = nullptr;
    std::vector<std::string> words;

    std::string name() const {
        std::string text = field->name;
        for (const std::string& word : words)
            text += ' ' + word;
        return text;
    }
    RoomRules applied_to(RoomRules rules) const {
        EXPECT_TRUE(field->set(words, rules)) << name();
        return rules;
    }
};

std::vector<Variant> step_variants() {
    std::vector<Variant> variants;
    for (const RuleField& field : rule_fields()) {
        if (field.group != "resolution_steps") continue;
        for (const std::string& word : field.choices) {
            std::vector<std::string> words = {word};
            // A list of one power event makes few disputes: the usual ones stay in it.
            if (field.is_list) words = {"power_levels", "join_rules", "kicks", "bans", word};
            variants.push_back({&field, std::move(words)});
        }
        if (field.is_list) variants.push_back({&field, {"power_levels"}});
    }
    return variants;
}

std::vector<EventId> order_of(const ResolutionTrace& trace) {
    std::vector<EventId> order = trace.full_conflicted_set;
    order.insert(order.end(), trace.power_events.begin(), trace.power_events.end());
    order.insert(order.end(), trace.mainline.begin(), trace.mainline.end());
    order.insert(order.end(), trace.remaining_events.begin(), trace.remaining_events.end());
    return order;
}

/// What a resolution did: all of its orders, and which events it applied.
std::pair<std::vector<EventId>, std::vector<bool>> course_of(const SeededRoom& made,
                                                             const Dispute& dispute,
                                                             const RoomRules& rules) {
    ResolutionTrace trace;
    const FindEvent find_event = generators::finder_without(made.room, dispute.missing);
    resolve(dispute.states, find_event, rules, ed25519_verifier(), &trace);
    std::vector<bool> verdicts;
    for (const ResolutionTrace::Step& step : trace.steps)
        verdicts.push_back(step.verdict.has_value());
    return {order_of(trace), verdicts};
}

// Does one of some resolutions of the version take another course than that of its base?
bool has_effect(const RoomRules& rules) {
    constexpr std::size_t kRoomsMax = 2'000;
    comparison::ComparisonOptions options;
    options.rules = &rules;
    for (std::size_t number = 0; number < kRoomsMax; ++number) {
        const SeededRoom made = comparison::make_seeded_room(options, number);
        for (const Dispute& dispute : made.disputes) {
            const RoomRules& base = *find_room_rules(rules.base);
            if (course_of(made, dispute, rules) != course_of(made, dispute, base)) return true;
        }
    }
    return false;
}

TEST(ResolutionSteps, AreDoneByBothImplementationsAlike) {
    std::map<std::string, bool> effects;
    for (const Variant& variant : step_variants()) {
        for (const char* base : {"11", "12"}) {
            const RoomRules rules = variant.applied_to(*find_room_rules(base));
            if (rules == *find_room_rules(base)) continue;
            const RegisteredRoomRules registered("org.example.variant", rules);
            comparison::ComparisonOptions options;
            options.rules = &registered.rules();
            options.count = 60;
            const auto result = comparison::compare_resolutions(options);
            ASSERT_FALSE(result.difference) << variant.name() << ", base " << base << '\n'
                                            << *result.difference;
            // In v2.1 some variants change nothing: the set is closed there.
            bool& has = effects[variant.name()];
            has = has || has_effect(registered.rules());
        }
    }
    // Else the agreement above says nothing.
    for (const auto& [name, has] : effects)
        EXPECT_TRUE(has) << name << " changes nothing in the rooms that were tried";
}

// --- What others do ------------------------------------------------------------------------------

// The quirks of implementations in use that a step can be told to have.
const std::vector<std::pair<std::string, std::pair<std::string, std::string>>> kQuirkSteps = {
    {"inclusive-chains", {"auth_difference", "inclusive"}},
    {"enlarge-through-conflicted", {"power_enlargement", "through_conflicted"}},
    {"reachability-edges", {"power_edges", "reachability"}},
    {"power-event-empty-key", {"power_event_keys", "empty"}},
    {"unconflicted-mainline", {"mainline_start", "resolved_or_unconflicted"}},
    {"rejected-not-applied", {"rejected_events", "never"}},
};

RoomRules with_step(RoomRules rules, const std::pair<std::string, std::string>& step) {
    const auto field = std::ranges::find(rule_fields(), step.first, &RuleField::name);
    EXPECT_TRUE(field != rule_fields().end() && field->set(std::span(&step.second, 1), rules));
    return rules;
}

std::vector<EventId> resolve_case(const oracle::ResolutionCase& one, const RoomRules& rules) {
    std::map<EventId, EventPtr> events;
    for (const EventPtr& event : one.events)
        events[event->id] = event;
    const auto find_event = [&](const EventId& id) -> auth::CitedEvent {
        const auto found = events.find(id);
        if (found == events.end()) return {};
        return {found->second, one.rejected.contains(id)};
    };
    std::vector<State> states;
    for (const oracle::StateMap& map : one.state_sets) {
        std::vector<std::pair<StateKey, EventId>> entries;
        for (const auto& [key, id] : map)
            entries.push_back({{key.first, key.second}, id});
        states.push_back(State::make(entries));
    }
    std::vector<EventId> ids;
    resolve(states, find_event, rules, ed25519_verifier())
        .for_each([&](const StateKey&, const EventId& id) { ids.push_back(id); });
    std::ranges::sort(ids);
    return ids;
}

TEST(ResolutionSteps, GiveWhatImplementationsWithTheQuirkGive) {
    std::ifstream file("fixtures/vectors/state_resolution/counter_examples.json");
    const auto cases =
        oracle::parse_resolution_cases(std::string{std::istreambuf_iterator<char>(file), {}});
    ASSERT_TRUE(cases) << cases.error();
    for (const auto& [quirk, step] : kQuirkSteps) {
        std::size_t count = 0;
        for (const oracle::ResolutionCase& one : *cases) {
            const auto expected = one.differs_under.find(quirk);
            if (expected == one.differs_under.end()) continue;
            ++count;
            EXPECT_EQ(resolve_case(one, *one.rules), one.resolved) << one.name;
            EXPECT_EQ(resolve_case(one, with_step(*one.rules, step)), expected->second)
                << one.name << ", " << quirk;
        }
        EXPECT_GT(count, 0) << quirk;
    }
}

// --- Whole versions ------------------------------------------------------------------------------

// A few fields with other values, of those together that events can be made of.
RoomRules any_rules() {
    std::vector<const RoomRules*> bases;
    for (const RoomRules& rules : all_room_rules())
        bases.push_back(&rules);
    RoomRules rules = **rc::gen::elementOf(bases);
    for (const RuleField& field : rule_fields()) {
        const bool is_changed = *rc::gen::weightedElement<bool>({{3, false}, {1, true}});
        if (!is_changed || field.choices.empty()) continue;
        const std::string word = *rc::gen::elementOf(field.choices);
        RoomRules changed = rules;
        RC_ASSERT(field.set(std::span(&word, 1), changed).has_value());
        if (!find_contradiction(changed)) rules = changed;
    }
    return rules;
}

RC_GTEST_PROP(RoomVersions, AreJudgedAndResolvedByBothImplementationsAlike, ()) {
    const RegisteredRoomRules registered("org.example.any", any_rules());
    comparison::ComparisonOptions options;
    options.rules = &registered.rules();
    options.seed = *rc::gen::inRange(0, 1'000'000);
    options.count = 10;
    RC_LOG() << describe(registered.rules());
    const auto result = comparison::compare_resolutions(options);
    if (result.difference) RC_FAIL(*result.difference);
}

}  // namespace
}  // namespace matrix::versions
