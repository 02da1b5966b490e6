// Laws of state resolution that hold in every room of every version.
//
// On failure RapidCheck prints the smallest stream of choices that it found and how to repeat it.

#include <algorithm>
#include <set>
#include <tuple>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/protocol/draw_room.h"

namespace matrix {
namespace {

using draw::Dispute;
using generators::Choices;
using generators::Room;

Dispute any_dispute() {
    return draw::dispute(draw::any_rules());
}

// Everything that is reached from the events of `states`, and these.
std::set<EventId> events_and_auth_chains(const Dispute& dispute) {
    std::set<EventId> seen;
    std::vector<EventId> pending;
    for (const State& state : dispute.states) {
        state.for_each([&](const StateKey&, const EventId& id) { pending.push_back(id); });
    }
    while (!pending.empty()) {
        const EventId id = pending.back();
        pending.pop_back();
        if (!seen.insert(id).second) continue;
        const auto& auth_events = dispute.event(id).auth_events;
        pending.insert(pending.end(), auth_events.begin(), auth_events.end());
    }
    return seen;
}

RC_GTEST_PROP(StateResolutionLaws, DoesNotDependOnTheOrderOfStates, ()) {
    const Dispute dispute = any_dispute();
    std::vector<State> reordered = dispute.states;
    Choices choices = Choices::from_seed(*rc::gen::arbitrary<std::uint64_t>());
    for (std::size_t count = reordered.size(); count > 1; --count) {
        std::swap(reordered[count - 1], reordered[choices.below(count)]);
    }
    RC_TAG(std::string(dispute.room.rules().version));
    RC_ASSERT(dispute.resolve(dispute.states) == dispute.resolve(reordered));
}

RC_GTEST_PROP(StateResolutionLaws, DoesNotCountAStateTwice, ()) {
    const Dispute dispute = any_dispute();
    std::vector<State> doubled = dispute.states;
    doubled.push_back(doubled.front());
    RC_ASSERT(dispute.resolve(dispute.states) == dispute.resolve(doubled));

    const std::vector<State> equal = {doubled.front(), doubled.front()};
    RC_ASSERT(dispute.resolve(equal) == doubled.front());
}

RC_GTEST_PROP(StateResolutionLaws, KeepsWhatNobodyDisputes, ()) {
    const Dispute dispute = any_dispute();
    const State resolved = dispute.resolve(dispute.states);
    dispute.states.front().for_each([&](const StateKey& key, const EventId& id) {
        const bool is_undisputed = std::ranges::all_of(dispute.states, [&](const State& state) {
            const EventId* other = state.find(key);
            return other && *other == id;
        });
        if (!is_undisputed) return;
        const EventId* kept = resolved.find(key);
        RC_ASSERT(kept && *kept == id);
    });
}

RC_GTEST_PROP(StateResolutionLaws, TakesEverythingFromTheFullConflictedSet, ()) {
    const Dispute dispute = any_dispute();
    ResolutionTrace trace;
    const State resolved = dispute.resolve(dispute.states, &trace);
    const std::set<EventId> conflicted(trace.full_conflicted_set.begin(),
                                       trace.full_conflicted_set.end());
    const bool is_v1 = dispute.room.rules().state_resolution == StateResolution::V1;
    resolved.for_each([&](const StateKey& key, const EventId& id) {
        RC_ASSERT(dispute.event(id).is(key.type, key.state_key));
        const bool is_in_a_state = std::ranges::any_of(dispute.states, [&](const State& state) {
            const EventId* other = state.find(key);
            return other && *other == id;
        });
        const EventId* other = dispute.states.front().find(key);
        // In v1 a state that lacks a key does not dispute it.
        RC_ASSERT(conflicted.contains(id) || (is_v1 ? is_in_a_state : other && *other == id));
    });
    if (is_v1) return;
    RC_ASSERT(trace.power_events.size() + trace.remaining_events.size() == conflicted.size());
    RC_ASSERT(trace.steps.size() == conflicted.size());
}

// The literal comparison of two power events.
std::tuple<std::int64_t, std::int64_t, EventId> power_key(const Dispute& dispute,
                                                          const EventId& id) {
    const Event& event = dispute.event(id);
    auth::AuthState state;
    if (event.rules->event_format == EventFormat::HashedRoomId)
        state.set(auth::Role::Create, dispute.room.events().front().event.get());
    const auto set_first = [&](auth::Role role, std::string_view type, const Event& cited) {
        if (!state[role] && cited.is(type, "")) state.set(role, &cited);
    };
    for (const EventId& cited : event.auth_events) {
        set_first(auth::Role::Create, "m.room.create", dispute.event(cited));
        set_first(auth::Role::PowerLevels, "m.room.power_levels", dispute.event(cited));
    }
    const std::int64_t level = state.level_of(event.sender);
    return {-level, event.origin_server_ts, id};
}

// At each place stands the smallest of the events whose auth events are placed.
RC_GTEST_PROP(StateResolutionLaws, AppliesTheSmallestPowerEventThatIsAuthorized, ()) {
    const Dispute dispute = any_dispute();
    if (dispute.room.rules().state_resolution == StateResolution::V1) RC_SUCCEED("v1");
    ResolutionTrace trace;
    dispute.resolve(dispute.states, &trace);

    std::set<EventId> open(trace.power_events.begin(), trace.power_events.end());
    for (const EventId& next : trace.power_events) {
        const auto is_candidate = [&](const EventId& id) {
            return std::ranges::none_of(dispute.event(id).auth_events,
                                        [&](const EventId& cited) { return open.contains(cited); });
        };
        RC_ASSERT(is_candidate(next));
        for (const EventId& other : open) {
            if (!is_candidate(other)) continue;
            RC_ASSERT(power_key(dispute, next) <= power_key(dispute, other));
        }
        open.erase(next);
    }
}

// Times are compared, and never read otherwise.
RC_GTEST_PROP(StateResolutionLaws, ReadsNothingFromTimesButTheirOrder, ()) {
    const Dispute dispute = any_dispute();
    const FindEvent with_other_times = [&](const EventId& id) {
        auth::CitedEvent found = dispute.room.find(id);
        if (!found.event) return found;
        Event event = *found.event;
        event.origin_server_ts = event.origin_server_ts * 3 + 7;
        found.event = std::make_shared<const Event>(std::move(event));
        return found;
    };
    RC_ASSERT(dispute.resolve(dispute.states) ==
              resolve(dispute.states, with_other_times, dispute.room.rules(), ed25519_verifier()));
}

RC_GTEST_PROP(StateResolutionLaws, LooksAtNothingButTheStatesAndTheirAuthChains, ()) {
    const Dispute dispute = any_dispute();
    std::set<EventId> known = events_and_auth_chains(dispute);
    known.insert(dispute.room.events().front().event->id);
    const FindEvent limited = [&](const EventId& id) {
        RC_ASSERT(known.contains(id));
        return dispute.room.find(id);
    };
    resolve(dispute.states, limited, dispute.room.rules(), ed25519_verifier());
}

// v2.1: what lies between two events of the full conflicted set is in it, too.
RC_GTEST_PROP(StateResolutionLaws, ClosesTheFullConflictedSetUnderPathsInVersion12, ()) {
    const Dispute dispute = any_dispute();
    if (dispute.room.rules().state_resolution != StateResolution::V2_1) RC_SUCCEED("not v2.1");
    ResolutionTrace trace;
    dispute.resolve(dispute.states, &trace);
    const std::set<EventId> members(trace.full_conflicted_set.begin(),
                                    trace.full_conflicted_set.end());

    // Of each event, in the order in which they were made: does it reach a member?
    std::set<EventId> reaching;
    for (const generators::RoomEvent& made : dispute.room.events()) {
        const auto reaches = [&](const EventId& id) {
            return members.contains(id) || reaching.contains(id);
        };
        if (std::ranges::any_of(made.event->auth_events, reaches)) reaching.insert(made.event->id);
    }
    std::set<EventId> below;  // What the members cite, and so on.
    std::vector<EventId> pending(members.begin(), members.end());
    while (!pending.empty()) {
        const EventId id = pending.back();
        pending.pop_back();
        for (const EventId& cited : dispute.event(id).auth_events) {
            if (below.insert(cited).second) pending.push_back(cited);
        }
    }
    for (const EventId& id : below) {
        if (reaching.contains(id)) RC_ASSERT(members.contains(id));
    }
}

// The generator is worth something only if its rooms have real conflicts.
TEST(StateResolutionRooms, HaveConflictsOfEveryKind) {
    int conflicts = 0;
    int by_mainline = 0;
    int refused = 0;
    int rejected = 0;
    int with_power_events = 0;
    constexpr int kRooms = 60;
    for (int seed = 0; seed < kRooms; ++seed) {
        Choices choices = Choices::from_seed(static_cast<std::uint64_t>(seed));
        const RoomRules& rules = *find_room_rules(seed % 2 == 0 ? "11" : "12");
        const Room room = generators::make_room(choices, rules);
        rejected += static_cast<int>(
            std::ranges::count_if(room.events(), &generators::RoomEvent::is_rejected));
        ResolutionTrace trace;
        resolve(generators::choose_states(choices, room),
                room.finder(),
                rules,
                ed25519_verifier(),
                &trace);
        conflicts += trace.full_conflicted_set.empty() ? 0 : 1;
        with_power_events += trace.power_events.empty() ? 0 : 1;
        by_mainline += trace.was_decided_by_mainline ? 1 : 0;
        refused += static_cast<int>(std::ranges::count_if(
            trace.steps, [](const ResolutionTrace::Step& step) { return !step.verdict; }));
    }
    RecordProperty("conflicts", conflicts);
    RecordProperty("decided_by_mainline", by_mainline);
    EXPECT_GE(conflicts, kRooms * 3 / 4);
    EXPECT_GE(with_power_events, kRooms / 2);
    EXPECT_GE(by_mainline, 1);
    EXPECT_GE(refused, kRooms / 10);
    EXPECT_GE(rejected, kRooms / 10);
}

TEST(StateResolutionRooms, AreTheSameForTheSameSeed) {
    for (const RoomRules& rules : all_room_rules()) {
        Choices one = Choices::from_seed(7);
        Choices two = Choices::from_seed(7);
        const Room room = generators::make_room(one, rules);
        const Room again = generators::make_room(two, rules);
        ASSERT_EQ(room.events().size(), again.events().size());
        EXPECT_EQ(*room.events().back().event, *again.events().back().event);
        EXPECT_EQ(room.events().back().after, again.events().back().after);
    }
}

}  // namespace
}  // namespace matrix
