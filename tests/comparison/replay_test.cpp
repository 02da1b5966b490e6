// What both implementations say about drawn rooms, and whether the oracle's own trace holds up when
// somebody replays it.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/comparison/answers.h"
#include "tests/generators/adversarial_rooms.h"
#include "tests/protocol/draw_room.h"

namespace matrix::comparison {
namespace {

// P-R16 and P-A13: the state, both orders, and each verdict with its rule.
RC_GTEST_PROP(Resolutions, AreTheSameByBothImplementations, ()) {
    const RoomRules& rules = draw::any_rules();
    const draw::Dispute drawn = draw::dispute(rules);
    const Dispute dispute = {.states = drawn.states, .missing = {}};
    const Answer literal = ask_oracle(oracle_room_of(drawn.room), drawn.states);
    const auto difference = find_difference(ask_fast(drawn.room, dispute), literal);
    if (difference) RC_FAIL(*difference + describe(drawn.room, dispute));
}

// P-R14: ids of versions 1 and 2 can claim that events cite each other.
TEST(Resolutions, AreTheSameWhateverCyclesIdsClaim) {
    constexpr std::uint64_t kSeeds = 1'000;
    constexpr std::size_t kEventsMax = 12;
    for (std::uint64_t seed = 0; seed < kSeeds && !HasFailure(); ++seed) {
        for (const std::string_view version : {"1", "2"}) {
            generators::Choices choices = generators::Choices::from_seed(seed);
            const auto made = generators::make_adversarial_room(choices,
                                                                *find_room_rules(version),
                                                                generators::AuthShape::Cycle,
                                                                1 + choices.below(kEventsMax));
            const Dispute dispute = {.states = made.states, .missing = {}};
            const auto difference = find_difference(
                ask_fast(made.room, dispute), ask_oracle(oracle_room_of(made.room), made.states));
            EXPECT_FALSE(difference.has_value())
                << "seed " << seed << ": " << *difference << describe(made.room, dispute);
        }
    }
}

// P-A1: what an event's selection does not name, the rules do not read.
RC_GTEST_PROP(AuthRules, ReadNothingThatTheSelectionDoesNotName, ()) {
    const RoomRules& rules = draw::any_rules();
    const generators::Room room = draw::room(rules, {.realism = generators::Realism::Abstract});
    const oracle::Room literal = oracle_room_of(room);
    for (const generators::RoomEvent& made : room.events()) {
        const oracle::ReadEvent& event = *literal.find(made.event->id);
        oracle::RuleState whole;
        made.before.for_each([&](const StateKey& key, const EventId& id) {
            whole[{key.type, key.state_key}] = literal.find(id);
        });
        // The create event is in every state, though v12 does not select it.
        const oracle::ReadEvent* create = literal.find(room.events().front().event->id);
        whole.emplace(create->key(), create);
        oracle::RuleState selected = {{create->key(), whole[create->key()]}};
        for (const oracle::Key& key : select_auth_events(event)) {
            const auto entry = whole.find(key);
            if (entry != whole.end()) selected.insert(*entry);
        }
        RC_ASSERT(rule_of(check_against(whole, event, ed25519_verifier())) ==
                  rule_of(check_against(selected, event, ed25519_verifier())));
    }
}

// P-R6: each event was judged by the state at its turn, laid over its auth events that were not
// rejected, and changed the state if it was allowed.
RC_GTEST_PROP(Resolutions, AreReplayedByTheirTrace, ()) {
    const RoomRules& rules = draw::any_rules();
    if (rules.state_resolution == StateResolution::V1) RC_SUCCEED("v1");
    const draw::Dispute drawn = draw::dispute(rules);
    const oracle::Room literal = oracle_room_of(drawn.room);
    const oracle::Resolution resolution = oracle::resolve(literal, state_maps_of(drawn.states));
    const bool starts_empty = rules.state_resolution == StateResolution::V2_1;
    oracle::StateMap state = starts_empty ? oracle::StateMap() : resolution.trace.unconflicted;
    for (const oracle::Step& step : resolution.trace.steps) {
        for (const auto& [key, entry] : step.auth_state) {
            const auto current = state.find(key);
            if (current != state.end()) {
                RC_ASSERT(entry->id() == current->second);
                continue;
            }
            const oracle::ReadEvent* cited =
                key.first == "m.room.create"
                    ? literal.create_of(*step.event)
                    : literal.auth_event(*step.event, key.first, key.second);
            RC_ASSERT(cited == entry);
            RC_ASSERT(!cited->is_rejected());
        }
        if (step.verdict) state[step.event->key()] = step.event->id();
    }
    for (const auto& [key, id] : resolution.trace.unconflicted)
        state[key] = id;
    RC_ASSERT(state == resolution.state);
}

}  // namespace
}  // namespace matrix::comparison
