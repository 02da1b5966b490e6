// Laws of state resolution about what does not matter: names, ids beyond their order, and events
// that the states do not lead to.

#include <algorithm>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/generators/adversarial_rooms.h"
#include "tests/protocol/draw_room.h"
#include "tests/protocol/remade_events.h"

namespace matrix::testing {
namespace {

using draw::Dispute;
using generators::Room;

EventId longer_id(const EventId& id) {
    return EventId("$m" + id.text().substr(1));
}

std::vector<EventId> longer_ids(const std::vector<EventId>& ids) {
    std::vector<EventId> longer;
    for (const EventId& id : ids)
        longer.push_back(longer_id(id));
    return longer;
}

// P-R10: every id gets one more character, which keeps their order.
RC_GTEST_PROP(StateResolutionInvariance, ReadsNothingFromIdsButTheirOrder, ()) {
    const RoomRules& rules = draw::any_rules();
    // Version 1 sorts by a hash of the id.
    if (rules.state_resolution == StateResolution::V1) RC_SUCCEED("v1");
    const Dispute dispute = draw::dispute(rules);
    Room renamed(rules);
    const EventId create = longer_id(dispute.room.events().front().event->id);
    for (const generators::RoomEvent& made : dispute.room.events()) {
        Event event = in_version(*made.event, rules, create);
        event.id = longer_id(event.id);
        event.auth_events = longer_ids(event.auth_events);
        event.prev_events = longer_ids(event.prev_events);
        renamed.add({.event = std::make_shared<const Event>(std::move(event)),
                     .is_rejected = made.is_rejected,
                     .before = {},
                     .after = {}});
    }
    const auto with_longer_ids = [](const State& state) {
        State longer;
        state.for_each([&](const StateKey& key, const EventId& id) {
            longer = longer.with(key, longer_id(id));
        });
        return longer;
    };
    std::vector<State> states;
    for (const State& state : dispute.states)
        states.push_back(with_longer_ids(state));
    RC_ASSERT(resolve(states, renamed.finder(), rules, ed25519_verifier()) ==
              with_longer_ids(dispute.resolve(dispute.states)));
}

bool is_of_third_party(const generators::RoomEvent& made) {
    return made.event->parse_content().contains("third_party_invite");
}

// P-R11
RC_GTEST_PROP(StateResolutionInvariance, ReadsNothingFromNamesOfUsers, ()) {
    const RoomRules& rules = draw::any_rules();
    const Dispute dispute = draw::dispute(rules);
    // What a third party signed names the user.
    RC_PRE(std::ranges::none_of(dispute.room.events(), is_of_third_party));
    const auto with_other_names = [](const State& state) {
        State renamed;
        state.for_each([&](const StateKey& key, const EventId& id) {
            renamed = renamed.with({key.type, other_user_name(key.state_key)}, id);
        });
        return renamed;
    };
    const FindEvent find_renamed = [&](const EventId& id) {
        auth::CitedEvent found = dispute.room.find(id);
        if (!found.event) return found;
        found.event = std::make_shared<const Event>(with_other_user_names(*found.event));
        return found;
    };
    std::vector<State> states;
    for (const State& state : dispute.states)
        states.push_back(with_other_names(state));
    RC_ASSERT(resolve(states, find_renamed, rules, ed25519_verifier()) ==
              with_other_names(dispute.resolve(dispute.states)));
}

// The auth chain of a state: what its entries cite, directly or not.
std::set<EventId> chain_of(const Dispute& dispute, const State& state) {
    std::set<EventId> chain;
    std::vector<EventId> pending;
    state.for_each([&](const StateKey&, const EventId& id) { pending.push_back(id); });
    while (!pending.empty()) {
        const auth::CitedEvent found = dispute.room.find(pending.back());
        pending.pop_back();
        if (!found.event) continue;
        for (const EventId& cited : found.event->auth_events) {
            if (chain.insert(cited).second) pending.push_back(cited);
        }
    }
    return chain;
}

// P-R13: an entry that nobody disputes, whose chain all chains hold, is only added.
RC_GTEST_PROP(StateResolutionInvariance, AddsWhatNobodyDisputes, ()) {
    const RoomRules& rules = draw::any_rules();
    const Dispute dispute = draw::dispute(rules);
    const Event& create = *dispute.room.events().front().event;
    Event added = in_version(create, rules, create.id);
    added.id = EventId("$added:a.test");
    added.type = "org.added";
    added.prev_events = {create.id};
    added.content = {};
    if (rules.event_format != EventFormat::HashedRoomId) added.auth_events = {create.id};
    const auto pointer = std::make_shared<const Event>(std::move(added));
    const FindEvent find = [&](const EventId& id) {
        return id == pointer->id ? auth::CitedEvent{.event = pointer} : dispute.room.find(id);
    };
    const bool all_hold_create = rules.event_format == EventFormat::HashedRoomId ||
                                 std::ranges::all_of(dispute.states, [&](const State& state) {
                                     return chain_of(dispute, state).contains(create.id);
                                 });
    RC_PRE(all_hold_create);
    std::vector<State> states;
    for (const State& state : dispute.states)
        states.push_back(state.with({"org.added", ""}, pointer->id));
    RC_ASSERT(resolve(states, find, rules, ed25519_verifier()) ==
              dispute.resolve(dispute.states).with({"org.added", ""}, pointer->id));
}

// P-R19: an event's rejection matters to the events that cite it or whose state has it, and so not
// where neither the states nor their chains hold it.
RC_GTEST_PROP(StateResolutionInvariance, IgnoresRejectionsOutsideOfTheStatesAndTheirChains, ()) {
    const Dispute dispute = draw::dispute(draw::any_rules());
    std::set<EventId> reached = {dispute.room.events().front().event->id};
    for (const State& state : dispute.states) {
        reached.merge(chain_of(dispute, state));
        state.for_each([&](const StateKey&, const EventId& id) { reached.insert(id); });
    }
    const FindEvent flipped = [&](const EventId& id) {
        auth::CitedEvent found = dispute.room.find(id);
        if (!reached.contains(id)) found.is_rejected = !found.is_rejected;
        return found;
    };
    RC_ASSERT(resolve(dispute.states, flipped, dispute.room.rules(), ed25519_verifier()) ==
              dispute.resolve(dispute.states));
}

// P-R5
RC_GTEST_PROP(StateResolutionInvariance, TakesNothingInVersion1ButWhatSomeStateHad, ()) {
    const Dispute dispute = draw::dispute(*find_room_rules("1"));
    dispute.resolve(dispute.states).for_each([&](const StateKey& key, const EventId& id) {
        const bool is_there = std::ranges::any_of(dispute.states, [&](const State& state) {
            const EventId* value = state.find(key);
            return value && *value == id;
        });
        RC_ASSERT(is_there);
    });
}

// P-R14: whatever is missing, and whatever ids claim, there is an answer, which does not depend on
// the order of the states.
RC_GTEST_PROP(StateResolutionInvariance, AnswersWhateverIsMissing, ()) {
    const Dispute dispute = draw::dispute(draw::any_rules());
    generators::Choices choices = generators::Choices::from_seed(*rc::gen::arbitrary<unsigned>());
    const std::set<EventId> missing = choose_missing(choices, dispute.room);
    const FindEvent find = finder_without(dispute.room, missing);
    std::vector<State> reversed(dispute.states.rbegin(), dispute.states.rend());
    const RoomRules& rules = dispute.room.rules();
    RC_ASSERT(resolve(dispute.states, find, rules, ed25519_verifier()) ==
              resolve(reversed, find, rules, ed25519_verifier()));
}

TEST(StateResolutionInvariance, AnswersWhateverCyclesIdsClaim) {
    constexpr std::uint64_t kSeeds = 200;
    constexpr std::size_t kEventsMax = 12;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
        for (const std::string_view version : {"1", "2"}) {
            generators::Choices choices = generators::Choices::from_seed(seed);
            const auto made = generators::make_adversarial_room(choices,
                                                                *find_room_rules(version),
                                                                generators::AuthShape::Cycle,
                                                                1 + choices.below(kEventsMax));
            const std::vector<State> reversed(made.states.rbegin(), made.states.rend());
            const RoomRules& rules = made.room.rules();
            EXPECT_EQ(resolve(made.states, made.room.finder(), rules, ed25519_verifier()).root(),
                      resolve(reversed, made.room.finder(), rules, ed25519_verifier()).root())
                << "version " << version << " seed " << seed;
        }
    }
}

// P-R14: the time grows with the events, not with their square.
TEST(StateResolutionInvariance, AnswersAboutRoomsThatWereMadeToBeExpensive) {
    constexpr std::size_t kEvents = 1'500;
    for (const generators::AuthShape shape : generators::acyclic_shapes()) {
        for (const std::string_view version : {"1", "11", "12"}) {
            generators::Choices choices = generators::Choices::from_seed(1);
            const auto made =
                make_adversarial_room(choices, *find_room_rules(version), shape, kEvents);
            const State resolved =
                resolve(made.states, made.room.finder(), made.room.rules(), ed25519_verifier());
            EXPECT_NE(resolved.find("m.room.power_levels", ""), nullptr) << shape;
        }
    }
}

bool authorizes_nothing(const Event& event) {
    return event.type == "m.room.topic" || event.type == "org.status";
}

// P-R17: where nobody disputes what authorizes, the greatest (time, id) of a key wins.
TEST(StateResolutionInvariance, TakesTheLastOfWhatAuthorizesNothingInV2_1) {
    constexpr std::uint64_t kSeeds = 60;
    const RoomRules& rules = *find_room_rules("12");
    int disputes = 0;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
        generators::Choices choices = generators::Choices::from_seed(seed);
        const Room room = generators::make_room(choices, rules, generators::kHonestRoom);
        const State& state = room.events().back().after;
        for (const generators::RoomEvent& made : room.events()) {
            const Event& other = *made.event;
            if (!authorizes_nothing(other)) continue;
            const StateKey key = {other.type, *other.state_key};
            const EventId* current = state.find(key);
            if (!current || *current == other.id) continue;
            ResolutionTrace trace;
            const State states[] = {state, state.with(key, other.id)};
            const State resolved =
                resolve(states, room.finder(), rules, ed25519_verifier(), &trace);
            if (!std::ranges::all_of(trace.full_conflicted_set, [&](const EventId& id) {
                    return authorizes_nothing(*room.find(id).event);
                })) {
                continue;
            }
            ++disputes;
            const Event& first = *room.find(*current).event;
            const bool is_first_last = std::pair(first.origin_server_ts, first.id) >
                                       std::pair(other.origin_server_ts, other.id);
            EXPECT_EQ(*resolved.find(key), is_first_last ? first.id : other.id);
        }
    }
    EXPECT_GE(disputes, 30);
}

// P-R8: positions by walking each event's power levels, one by one.
RC_GTEST_PROP(StateResolutionInvariance, SortsTheRestByPlaceOnTheMainlineThenTime, ()) {
    const RoomRules& rules = draw::any_rules();
    if (rules.state_resolution == StateResolution::V1) RC_SUCCEED("v1");
    const Dispute dispute = draw::dispute(rules);
    ResolutionTrace trace;
    dispute.resolve(dispute.states, &trace);
    const auto levels_of = [&](const EventId& id) -> const EventId* {
        for (const EventId& cited : dispute.event(id).auth_events) {
            if (dispute.event(cited).is("m.room.power_levels", "")) return &cited;
        }
        return nullptr;
    };
    const auto sort_key = [&](const EventId& id) {
        auto place = static_cast<std::ptrdiff_t>(trace.mainline.size());
        for (const EventId* levels = levels_of(id); levels; levels = levels_of(*levels)) {
            const auto found = std::ranges::find(trace.mainline, *levels);
            if (found == trace.mainline.end()) continue;
            place = found - trace.mainline.begin();
            break;
        }
        return std::tuple(-place, dispute.event(id).origin_server_ts, id);
    };
    RC_ASSERT(std::ranges::is_sorted(trace.remaining_events, {}, sort_key));
}

}  // namespace
}  // namespace matrix::testing
