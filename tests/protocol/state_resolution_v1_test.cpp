// State resolution of room version 1 in rooms that were made by hand.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/protocol/abstract_room.h"

namespace matrix::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kMemberType = "m.room.member";
constexpr const char* kPowerLevelsType = "m.room.power_levels";
constexpr const char* kJoinRulesType = "m.room.join_rules";
constexpr const char* kTopicType = "m.room.topic";

// A public room that `@a:x` created and in which `@b:x` has level 50: C, A1, P1, R1, B1.
class StateResolutionV1 : public ::testing::Test {
protected:
    struct Step {
        const char* label;
        const char* sender;
        const char* type;
        const char* state_key;
        json::Object content;
        std::int64_t depth;
    };

    StateResolutionV1() {
        add({"C", "@a:x", "m.room.create", "", {{"creator", "@a:x"}}, 1});
        add({"A1", "@a:x", kMemberType, "@a:x", {{"membership", "join"}}, 2});
        add({"P1", "@a:x", kPowerLevelsType, "", levels(50), 3});
        add({"R1", "@a:x", kJoinRulesType, "", {{"join_rule", "public"}}, 4});
        add({"B1", "@b:x", kMemberType, "@b:x", {{"membership", "join"}}, 5});
    }

    static json::Object levels(std::int64_t level_of_b) {
        return {{"users", json::Object{{"@a:x", 100}, {"@b:x", level_of_b}}}};
    }

    void add(const Step& step) {
        AbstractEvent event{.id = std::string("$") + step.label,
                            .type = step.type,
                            .state_key = step.state_key,
                            .sender = step.sender,
                            .content = step.content,
                            .prev_events = {"$before"},
                            .depth = step.depth};
        if (event.type == "m.room.create") event.prev_events.clear();
        store_.add(make_abstract_event(event, rules_));
    }

    State state(const std::vector<const char*>& labels) const {
        State state;
        for (const char* label : labels) {
            const EventPtr event = store_.find(std::string("$") + label);
            state = state.with({event->type, *event->state_key}, event->id);
        }
        return state;
    }

    void resolve(const std::vector<State>& states) {
        trace_ = {};
        resolved_ = matrix::resolve(states, store_.finder(), rules_, ed25519_verifier(), &trace_);
        const std::vector<State> reversed(states.rbegin(), states.rend());
        EXPECT_EQ(matrix::resolve(reversed, store_.finder(), rules_, ed25519_verifier()),
                  resolved_);
    }
    std::string resolved(std::string_view type, std::string_view state_key = "") const {
        const EventId* id = resolved_.find(type, state_key);
        return id ? id->text().substr(1) : "nothing";
    }
    std::vector<std::string> steps() const {
        std::vector<std::string> steps;
        for (const ResolutionTrace::Step& step : trace_.steps) {
            steps.push_back(step.event_id.text().substr(1) + ' ' +
                            (step.verdict ? "allowed" : std::string(step.verdict.error().rule)));
        }
        return steps;
    }

    const RoomRules& rules_ = *find_room_rules("1");
    EventStore store_;
    ResolutionTrace trace_;
    State resolved_;
};

TEST_F(StateResolutionV1, TakesTheDeepestTopicThatPasses) {
    add({"T1", "@b:x", kTopicType, "", {}, 10});
    add({"T2", "@b:x", kTopicType, "", {}, 11});
    add({"T3", "@stranger:x", kTopicType, "", {}, 12});
    resolve({state({"C", "A1", "P1", "R1", "B1", "T1"}),
             state({"C", "A1", "P1", "R1", "B1", "T2"}),
             state({"C", "A1", "P1", "R1", "B1", "T3"})});
    EXPECT_EQ(resolved(kTopicType), "T2");
    EXPECT_THAT(steps(), ElementsAre("T3 v12 6", "T2 allowed"));
    EXPECT_THAT(trace_.remaining_events, ElementsAre(EventId("$T3"), EventId("$T2")));
    EXPECT_THAT(trace_.power_events, IsEmpty());
    EXPECT_EQ(trace_.full_conflicted_set.size(), 3u);
}

// The SHA-1 of "$T1" begins with 1065, of "$T2" with 14bf, of "$T5" with e4af.
TEST_F(StateResolutionV1, TakesTheLowestHashOfTopicsOfOneDepth) {
    for (const char* label : {"T1", "T2", "T5"})
        add({label, "@b:x", kTopicType, "", {}, 10});
    resolve({state({"C", "A1", "P1", "R1", "B1", "T2"}),
             state({"C", "A1", "P1", "R1", "B1", "T5"}),
             state({"C", "A1", "P1", "R1", "B1", "T1"})});
    EXPECT_EQ(resolved(kTopicType), "T1");
}

TEST_F(StateResolutionV1, LeavesAKeyEmptyOfWhichNoEventPasses) {
    add({"T1", "@stranger:x", kTopicType, "", {}, 10});
    add({"T2", "@stranger:x", kTopicType, "", {}, 11});
    resolve(
        {state({"C", "A1", "P1", "R1", "B1", "T1"}), state({"C", "A1", "P1", "R1", "B1", "T2"})});
    EXPECT_EQ(resolved(kTopicType), "nothing");
}

// A state that lacks a key has no other event for it.
TEST_F(StateResolutionV1, TakesWhatOnlyOneStateHasWithoutACheck) {
    add({"T1", "@stranger:x", kTopicType, "", {}, 10});
    resolve({state({"C", "A1", "P1", "R1", "B1", "T1"}), state({"C", "A1", "P1", "R1"})});
    EXPECT_EQ(resolved(kTopicType), "T1");
    EXPECT_EQ(resolved(kMemberType, "@b:x"), "B1");
    EXPECT_THAT(steps(), IsEmpty());
    EXPECT_THAT(trace_.full_conflicted_set, IsEmpty());
}

// Each of the power levels must be allowed by the one before it; where one is not, the list ends.
TEST_F(StateResolutionV1, FollowsPowerLevelsFromTheLeastDepthUntilOneIsRefused) {
    add({"P2", "@b:x", kPowerLevelsType, "", levels(40), 10});  // Gives up power.
    add({"P3", "@b:x", kPowerLevelsType, "", levels(60), 11});  // More than b has.
    add({"P4", "@a:x", kPowerLevelsType, "", levels(70), 12});
    resolve({state({"C", "A1", "P1", "R1", "B1"}),
             state({"C", "A1", "P2", "R1", "B1"}),
             state({"C", "A1", "P3", "R1", "B1"}),
             state({"C", "A1", "P4", "R1", "B1"})});
    EXPECT_EQ(resolved(kPowerLevelsType), "P2");
    EXPECT_THAT(steps(), ElementsAre("P2 allowed", "P3 v12 8"));
    EXPECT_THAT(trace_.power_events, ElementsAre(EventId("$P1"), EventId("$P2"), EventId("$P3")));
}

// Power levels before join rules before memberships before all else.
TEST_F(StateResolutionV1, JudgesEachPhaseByTheOnesBefore) {
    add({"P2", "@a:x", kPowerLevelsType, "", levels(0), 10});
    add({"R2", "@b:x", kJoinRulesType, "", {{"join_rule", "invite"}}, 11});
    add({"T1", "@a:x", kTopicType, "", {}, 12});
    add({"T2", "@b:x", kTopicType, "", {}, 13});
    resolve(
        {state({"C", "A1", "P1", "R1", "B1", "T1"}), state({"C", "A1", "P2", "R2", "B1", "T2"})});
    EXPECT_EQ(resolved(kPowerLevelsType), "P2");
    EXPECT_EQ(resolved(kJoinRulesType), "R1") << "b has no power left";
    EXPECT_EQ(resolved(kTopicType), "T1");
}

// Memberships are judged by the state before all of them, whichever comes first by its key.
TEST_F(StateResolutionV1, JudgesMembershipsByTheStateBeforeAllOfThem) {
    add({"A2", "@a:x", kMemberType, "@a:x", {{"membership", "leave"}}, 10});
    add({"B2", "@a:x", kMemberType, "@b:x", {{"membership", "ban"}}, 11});
    add({"D1", "@d:x", kMemberType, "@d:x", {{"membership", "join"}}, 9});
    add({"D2", "@b:x", kMemberType, "@d:x", {{"membership", "ban"}}, 12});
    resolve(
        {state({"C", "A1", "P1", "R1", "B1", "D1"}), state({"C", "A2", "P1", "R1", "B2", "D2"})});
    // Neither a nor b is in the state by which the others are judged.
    EXPECT_EQ(resolved(kMemberType, "@a:x"), "A2");
    EXPECT_EQ(resolved(kMemberType, "@b:x"), "B1");
    EXPECT_EQ(resolved(kMemberType, "@d:x"), "D1");
}

// matrix-spec's well-known reset (V1d): the creator has left, and joins again while b does
// something else. Depth alone decides between the membership before and after.
TEST_F(StateResolutionV1, MayPutSomebodyBackWhoLeftAndLoseWhoJoined) {
    add({"A2", "@a:x", kMemberType, "@a:x", {{"membership", "leave"}}, 10});
    add({"A3", "@a:x", kMemberType, "@a:x", {{"membership", "join"}}, 11});
    add({"R2", "@a:x", kJoinRulesType, "", {{"join_rule", "invite"}}, 6});
    // In an invite-only room the join of who left is refused, whatever came before.
    resolve({state({"C", "A2", "P1", "R2", "B1"}), state({"C", "A3", "P1", "R2", "B1"})});
    EXPECT_EQ(resolved(kMemberType, "@a:x"), "A2");
    EXPECT_THAT(steps(), ElementsAre("A3 v12 5.3.7"));
    // In a public one it is allowed.
    resolve({state({"C", "A2", "P1", "R1", "B1"}), state({"C", "A3", "P1", "R1", "B1"})});
    EXPECT_EQ(resolved(kMemberType, "@a:x"), "A3");
    // The first of three is taken without a check: here that is what had been left behind.
    resolve({state({"C", "A1", "P1", "R2", "B1"}),
             state({"C", "A2", "P1", "R2", "B1"}),
             state({"C", "A3", "P1", "R2", "B1"})});
    EXPECT_EQ(resolved(kMemberType, "@a:x"), "A2");
}

// Depth is what the sender says.
TEST_F(StateResolutionV1, BelievesAnyDepth) {
    add({"T1", "@b:x", kTopicType, "", {}, INT64_MAX});
    add({"T2", "@b:x", kTopicType, "", {}, 12});
    resolve(
        {state({"C", "A1", "P1", "R1", "B1", "T1"}), state({"C", "A1", "P1", "R1", "B1", "T2"})});
    EXPECT_EQ(resolved(kTopicType), "T1");
}

TEST_F(StateResolutionV1, CountsUnknownEventsAsAbsent) {
    add({"T1", "@stranger:x", kTopicType, "", {}, 10});
    const State known = state({"C", "A1", "P1", "R1", "B1"});
    const State unknown = known.with({kJoinRulesType, ""}, EventId("$unknown"));
    const State other = known.with({kJoinRulesType, ""}, EventId("$other"));
    resolve({known, unknown});
    EXPECT_EQ(resolved(kJoinRulesType), "R1") << "the only one that is known is the first";
    resolve({other, unknown});
    EXPECT_EQ(resolved(kJoinRulesType), "nothing");
}

TEST_F(StateResolutionV1, CountsRejectedEventsInTheState) {
    add({"T1", "@b:x", kTopicType, "", {}, 10});
    add({"T2", "@a:x", kTopicType, "", {}, 9});
    store_.reject("$B1");
    resolve(
        {state({"C", "A1", "P1", "R1", "B1", "T1"}), state({"C", "A1", "P1", "R1", "B1", "T2"})});
    EXPECT_EQ(resolved(kTopicType), "T1");
}

}  // namespace
}  // namespace matrix::testing
