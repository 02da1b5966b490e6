// State resolution in rooms that were made by hand: what the text says, word for word, also where
// servers in use say something else.

#include "refserver/protocol/state_resolution.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/protocol/abstract_room.h"

namespace matrix::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What a scenario says about an event: the labels of those that it cites, without the create event.
struct Step {
    const char* label;
    const char* sender;
    const char* type;
    const char* state_key;
    json::Object content;
    std::int64_t origin_server_ts;
    std::vector<const char*> auth_events;
};

constexpr const char* kMember = "m.room.member";
constexpr const char* kPowerLevels = "m.room.power_levels";
constexpr const char* kJoinRules = "m.room.join_rules";
constexpr const char* kTopic = "m.room.topic";

// A room that `@u0:a` created (E0) and joined (E1).
class Scenario {
public:
    explicit Scenario(std::string_view version) : rules_(*find_room_rules(version)) {
        json::Object content;
        if (rules_.has_creator_in_content) content.set("creator", "@u0:a");
        store_.add(make_abstract_event({.id = "$create:a",
                                        .type = "m.room.create",
                                        .state_key = "",
                                        .sender = "@u0:a",
                                        .content = content},
                                       rules_));
        add({"E1", "@u0:a", kMember, "@u0:a", {{"membership", "join"}}, 1001, {}}, {"$create:a"});
    }

    void add(const Step& step, std::vector<std::string> prev_events = {"$something"}) {
        std::vector<std::string> auth_events;
        if (rules_.event_format != EventFormat::HashedRoomId) auth_events.push_back("$create:a");
        for (const char* label : step.auth_events)
            auth_events.push_back(id_of(label));
        store_.add(make_abstract_event({.id = id_of(step.label),
                                        .type = step.type,
                                        .state_key = step.state_key,
                                        .sender = step.sender,
                                        .content = step.content,
                                        .origin_server_ts = step.origin_server_ts,
                                        .auth_events = auth_events,
                                        .prev_events = std::move(prev_events)},
                                       rules_));
    }
    void add_all(const std::vector<Step>& steps) {
        for (const Step& step : steps)
            add(step);
    }
    void reject(const char* label) { store_.reject(id_of(label)); }

    // The create event and these, each under its own key.
    State state(const std::vector<const char*>& labels) const {
        State state = State().with({"m.room.create", ""}, EventId("$create:a"));
        for (const char* label : labels) {
            const EventPtr event = store_.find(id_of(label));
            state = state.with({event->type, *event->state_key}, event->id);
        }
        return state;
    }

    const ResolutionTrace& resolve(const std::vector<State>& states) {
        trace_ = {};
        resolved_ = matrix::resolve(states, store_.finder(), rules_, ed25519_verifier(), &trace_);
        const std::vector<State> reversed(states.rbegin(), states.rend());
        EXPECT_EQ(matrix::resolve(reversed, store_.finder(), rules_, ed25519_verifier()),
                  resolved_);
        return trace_;
    }

    // The label of what was resolved, or "nothing".
    std::string resolved(std::string_view type, std::string_view state_key = "") const {
        const EventId* id = resolved_.find(type, state_key);
        return id ? id->text().substr(1) : "nothing";
    }
    const State& resolved_state() const { return resolved_; }

    static std::vector<std::string> labels_of(const std::vector<EventId>& ids) {
        std::vector<std::string> labels;
        for (const EventId& id : ids)
            labels.push_back(id.text().substr(1));
        return labels;
    }

private:
    static std::string id_of(const char* label) { return std::string("$") + label; }

    const RoomRules& rules_;
    EventStore store_;
    ResolutionTrace trace_;
    State resolved_;
};

json::Object levels(json::Object users) {
    return {{"users", std::move(users)}};
}
json::Object join_rule(std::string_view rule) {
    return {{"join_rule", rule}};
}
json::Object membership(std::string_view name) {
    return {{"membership", name}};
}

// A linear room and one stale state. Servers that count the events of a state as part of its auth
// chain resolve E3, which is a state reset.
TEST(StateResolution, DoesNotCountTheStateItselfAsItsAuthChain) {
    Scenario room("11");
    room.add_all({
        {"E2", "@u0:a", kPowerLevels, "", levels({{"@u0:a", 100}}), 1002, {"E1"}},
        {"E3", "@u0:a", kJoinRules, "", join_rule("knock"), 1512, {"E2", "E1"}},
        {"E4", "@u0:a", kMember, "@u0:a", membership("join"), 1013, {"E2", "E1", "E3"}},
        {"E5", "@u0:a", kJoinRules, "", join_rule("knock"), 1014, {"E2", "E4"}},
    });
    const ResolutionTrace& trace =
        room.resolve({room.state({"E5", "E4", "E2"}), room.state({"E3", "E4", "E2"})});
    EXPECT_THAT(Scenario::labels_of(trace.full_conflicted_set), ElementsAre("E3", "E4", "E5"));
    EXPECT_THAT(Scenario::labels_of(trace.power_events), ElementsAre("E3", "E4", "E5"));
    EXPECT_EQ(room.resolved(kJoinRules), "E5");
}

// The same in v2.1, which did not remove the difference.
TEST(StateResolution, DoesNotCountTheStateItselfAsItsAuthChainInVersion12) {
    Scenario room("12");
    room.add_all({
        {"E2", "@u0:a", kPowerLevels, "", levels({}), 1002, {"E1"}},
        {"E3", "@u0:a", kJoinRules, "", join_rule("invite"), 1000, {"E2", "E1"}},
        {"E4", "@u0:a", kPowerLevels, "", levels({{"@u1:a", 0}}), 1005, {"E2", "E1"}},
        {"E5", "@u0:a", kJoinRules, "", join_rule("private"), 508, {"E4", "E1"}},
    });
    const ResolutionTrace& trace =
        room.resolve({room.state({"E3", "E1", "E4"}), room.state({"E5", "E1", "E4"})});
    EXPECT_THAT(Scenario::labels_of(trace.power_events), ElementsAre("E3", "E4", "E5"));
    EXPECT_EQ(room.resolved(kJoinRules), "E5");
}

// Kahn's algorithm takes the smallest of the oldest events, not the largest of the newest.
TEST(StateResolution, SortsPowerEventsFromTheOldest) {
    Scenario room("11");
    room.add_all({
        {"E2", "@u0:a", kPowerLevels, "", levels({{"@u0:a", 100}}), 1006, {"E1"}},
        {"E3", "@u0:a", kJoinRules, "", join_rule("invite"), 1011, {"E2", "E1"}},
        {"E4",
         "@u0:a",
         kPowerLevels,
         "",
         levels({{"@u0:a", 100}, {"@u1:a", 99}}),
         1017,
         {"E2", "E1"}},
        {"E5", "@u0:a", kJoinRules, "", join_rule("knock_restricted"), 967, {"E4", "E1"}},
    });
    const ResolutionTrace& trace =
        room.resolve({room.state({"E1", "E3", "E2"}), room.state({"E1", "E5", "E4"})});
    EXPECT_THAT(Scenario::labels_of(trace.power_events), ElementsAre("E2", "E3", "E4", "E5"));
    EXPECT_EQ(room.resolved(kJoinRules), "E5");
}

// What authorizes a power event is applied with it, also behind an event that is in no conflict.
TEST(StateResolution, EnlargesPowerEventsByTheirWholeAuthChain) {
    Scenario room("11");
    room.add_all({
        {"E2", "@u0:a", kPowerLevels, "", levels({{"@u0:a", 100}}), 1002, {"E1"}},
        {"E3", "@u0:a", kJoinRules, "", join_rule("invite"), 1003, {"E2", "E1"}},
        {"E4", "@u0:a", kMember, "@u0:a", membership("join"), 1004, {"E2", "E1", "E3"}},
        {"E5", "@u0:a", kMember, "@u0:a", membership("join"), 1005, {"E2", "E4", "E3"}},
        {"E6",
         "@u0:a",
         kPowerLevels,
         "",
         levels({{"@u0:a", 100}, {"@u1:a", 1}}),
         1006,
         {"E2", "E5"}},
        {"E7", "@u0:a", kTopic, "", {}, 1007, {"E6", "E1"}},
    });
    const ResolutionTrace& trace =
        room.resolve({room.state({"E3", "E5", "E6"}), room.state({"E3", "E1", "E6", "E7"})});
    EXPECT_THAT(Scenario::labels_of(trace.power_events), ElementsAre("E1", "E5", "E6"));
    EXPECT_EQ(room.resolved(kMember, "@u0:a"), "E5");
}

// A room of u0, u1 (level 50) and a public join rule, for what follows.
void add_members(Scenario& room, bool names_creator) {
    json::Object users = {{"@u1:a", 50}};
    if (names_creator) users.set("@u0:a", 100);
    room.add_all({
        {"P1", "@u0:a", kPowerLevels, "", levels(users), 1002, {"E1"}},
        {"R1", "@u0:a", kJoinRules, "", join_rule("public"), 1003, {"P1", "E1"}},
        {"M1", "@u1:a", kMember, "@u1:a", membership("join"), 1004, {"P1", "R1"}},
    });
}

class StateResolutionOf : public ::testing::TestWithParam<std::string> {
protected:
    StateResolutionOf() : room_(GetParam()) { add_members(room_, GetParam() != "12"); }
    bool is_v2_1() const { return GetParam() == "12"; }
    Scenario room_;
};
INSTANTIATE_TEST_SUITE_P(Versions, StateResolutionOf, ::testing::Values("2", "10", "11", "12"));

TEST_P(StateResolutionOf, ReturnsASingleStateAsItIs) {
    const State state = room_.state({"E1", "P1", "R1", "M1"});
    room_.resolve({state});
    EXPECT_EQ(room_.resolved_state(), state);
    EXPECT_THAT(room_.resolve({state, state}).full_conflicted_set, IsEmpty());
    EXPECT_EQ(room_.resolved_state(), state);
    room_.resolve({});
    EXPECT_EQ(room_.resolved_state(), State());
}

TEST_P(StateResolutionOf, TakesTheLaterOfTwoTopics) {
    room_.add({"T1", "@u1:a", kTopic, "", {}, 2000, {"P1", "M1"}});
    room_.add({"T2", "@u1:a", kTopic, "", {}, 2001, {"P1", "M1"}});
    const ResolutionTrace& trace = room_.resolve(
        {room_.state({"E1", "P1", "R1", "M1", "T1"}), room_.state({"E1", "P1", "R1", "M1", "T2"})});
    EXPECT_THAT(Scenario::labels_of(trace.remaining_events), ElementsAre("T1", "T2"));
    EXPECT_FALSE(trace.was_decided_by_mainline);
    EXPECT_EQ(room_.resolved(kTopic), "T2");
    EXPECT_EQ(room_.resolved(kMember, "@u1:a"), "M1");
}

TEST_P(StateResolutionOf, TakesTheGreaterIdWhenTheTimeIsTheSame) {
    room_.add({"T-", "@u1:a", kTopic, "", {}, 2000, {"P1", "M1"}});
    room_.add({"TA", "@u1:a", kTopic, "", {}, 2000, {"P1", "M1"}});
    room_.resolve(
        {room_.state({"E1", "P1", "R1", "M1", "TA"}), room_.state({"E1", "P1", "R1", "M1", "T-"})});
    EXPECT_EQ(room_.resolved(kTopic), "TA");
}

TEST_P(StateResolutionOf, TakesAnEntryThatOnlyOneStateHas) {
    room_.add({"T1", "@u1:a", kTopic, "", {}, 2000, {"P1", "M1"}});
    room_.resolve(
        {room_.state({"E1", "P1", "R1", "M1", "T1"}), room_.state({"E1", "P1", "R1", "M1"})});
    EXPECT_EQ(room_.resolved(kTopic), "T1");
}

// A ban is a power event: it is applied before anything that the banned did at the same time.
TEST_P(StateResolutionOf, AppliesABanBeforeWhatTheBannedDid) {
    room_.add({"B1", "@u0:a", kMember, "@u1:a", membership("ban"), 3000, {"P1", "E1", "M1"}});
    room_.add({"T1", "@u1:a", kTopic, "", {}, 2000, {"P1", "M1"}});
    const ResolutionTrace& trace = room_.resolve(
        {room_.state({"E1", "P1", "R1", "B1"}), room_.state({"E1", "P1", "R1", "M1", "T1"})});
    EXPECT_THAT(Scenario::labels_of(trace.power_events), ElementsAre("M1", "B1"));
    EXPECT_THAT(Scenario::labels_of(trace.remaining_events), ElementsAre("T1"));
    EXPECT_EQ(room_.resolved(kMember, "@u1:a"), "B1");
    EXPECT_EQ(room_.resolved(kTopic), "nothing");
    ASSERT_FALSE(trace.steps.back().verdict);
    EXPECT_EQ(trace.steps.back().verdict.error().rule, "v12 6");
}

// The mightier sender's power event is applied first.
TEST_P(StateResolutionOf, SortsPowerEventsByPowerBeforeTime) {
    room_.add({"R2", "@u1:a", kJoinRules, "", join_rule("invite"), 2000, {"P1", "M1"}});
    room_.add({"R3", "@u0:a", kJoinRules, "", join_rule("public"), 9000, {"P1", "E1"}});
    const ResolutionTrace& trace = room_.resolve(
        {room_.state({"E1", "P1", "R2", "M1"}), room_.state({"E1", "P1", "R3", "M1"})});
    EXPECT_THAT(Scenario::labels_of(trace.power_events), ElementsAre("R3", "M1", "R2"));
    EXPECT_EQ(room_.resolved(kJoinRules), "R2");
}

// Two concurrent topics by u1, whose leaving has an earlier time: nobody's topic is left.
TEST_P(StateResolutionOf, MayLoseAKeyThatAllStatesHave) {
    room_.add({"T1", "@u1:a", kTopic, "", {}, 2001, {"P1", "M1"}});
    room_.add({"T2", "@u1:a", kTopic, "", {}, 2002, {"P1", "M1"}});
    room_.add({"L1", "@u1:a", kMember, "@u1:a", membership("leave"), 2000, {"P1", "M1"}});
    room_.resolve(
        {room_.state({"E1", "P1", "R1", "M1", "T1"}), room_.state({"E1", "P1", "R1", "L1", "T2"})});
    EXPECT_EQ(room_.resolved(kTopic), "nothing");
    EXPECT_EQ(room_.resolved(kMember, "@u1:a"), "L1");
}

// v2 starts from the unconflicted state, by which u1 has left; v2.1 starts from nothing, and so
// judges the topics by what they cite.
TEST_P(StateResolutionOf, StartsFromTheUnconflictedStateOrFromNothing) {
    room_.add({"T1", "@u1:a", kTopic, "", {}, 2001, {"P1", "M1"}});
    room_.add({"T2", "@u1:a", kTopic, "", {}, 2002, {"P1", "M1"}});
    room_.add({"L1", "@u1:a", kMember, "@u1:a", membership("leave"), 2003, {"P1", "M1"}});
    room_.resolve(
        {room_.state({"E1", "P1", "R1", "L1", "T1"}), room_.state({"E1", "P1", "R1", "L1", "T2"})});
    EXPECT_EQ(room_.resolved(kTopic), is_v2_1() ? "T2" : "nothing");
    EXPECT_EQ(room_.resolved(kMember, "@u1:a"), "L1") << "nobody disputes it";
}

// In v2.1 no power levels are resolved when nobody disputes them, and then time alone decides.
TEST_P(StateResolutionOf, SortsByTheMainlineOfTheResolvedPowerLevels) {
    json::Object users = {{"@u1:a", 50}, {"@u2:a", 1}};
    if (!is_v2_1()) users.set("@u0:a", 100);
    room_.add({"P2", "@u0:a", kPowerLevels, "", levels(users), 1500, {"P1", "E1"}});
    room_.add({"T1", "@u1:a", kTopic, "", {}, 9999, {"P1", "M1"}});
    room_.add({"T2", "@u1:a", kTopic, "", {}, 2000, {"P2", "M1"}});
    const ResolutionTrace& trace = room_.resolve(
        {room_.state({"E1", "P2", "R1", "M1", "T1"}), room_.state({"E1", "P2", "R1", "M1", "T2"})});
    if (is_v2_1()) {
        // The chain of T2 alone holds P2, which so is in the auth difference and applied.
        EXPECT_THAT(Scenario::labels_of(trace.full_conflicted_set), ElementsAre("P2", "T1", "T2"));
    }
    EXPECT_THAT(Scenario::labels_of(trace.mainline), ElementsAre("P2", "P1"));
    EXPECT_TRUE(trace.was_decided_by_mainline);
    EXPECT_EQ(room_.resolved(kTopic), "T2");
}

TEST_P(StateResolutionOf, HasNoMainlineWhenNoPowerLevelsWereResolved) {
    json::Object users = {{"@u1:a", 50}, {"@u2:a", 1}};
    if (!is_v2_1()) users.set("@u0:a", 100);
    room_.add({"P2", "@u0:a", kPowerLevels, "", levels(users), 1500, {"P1", "E1"}});
    room_.add({"N1", "@u0:a", "m.room.name", "", {}, 1600, {"P2", "E1"}});  // Its chain has P2.
    room_.add({"T1", "@u1:a", kTopic, "", {}, 9999, {"P1", "M1"}});
    room_.add({"T2", "@u1:a", kTopic, "", {}, 2000, {"P2", "M1"}});
    const ResolutionTrace& trace =
        room_.resolve({room_.state({"E1", "P2", "R1", "M1", "N1", "T1"}),
                       room_.state({"E1", "P2", "R1", "M1", "N1", "T2"})});
    if (is_v2_1()) EXPECT_THAT(trace.mainline, IsEmpty());
    EXPECT_EQ(trace.was_decided_by_mainline, !is_v2_1());
    EXPECT_EQ(room_.resolved(kTopic), is_v2_1() ? "T1" : "T2");
}

TEST_P(StateResolutionOf, FallsBackToAuthEventsThatWereNotRejected) {
    room_.add({"T1", "@u2:a", kTopic, "", {}, 2000, {"P1", "M2"}});
    room_.add({"M2", "@u2:a", kMember, "@u2:a", membership("join"), 1900, {"P1", "R1"}});
    json::Object users = {{"@u2:a", 50}};
    if (!is_v2_1()) users.set("@u0:a", 100);
    room_.add({"P1", "@u0:a", kPowerLevels, "", levels(users), 1002, {"E1"}});
    const State with = room_.state({"E1", "P1", "R1", "T1"});
    const State without = room_.state({"E1", "P1", "R1"});

    room_.resolve({with, without});
    EXPECT_EQ(room_.resolved(kTopic), "T1") << "u2's join is in no state, but it is cited";
    // It is in the auth chain of one state alone, and so applied for itself.
    EXPECT_EQ(room_.resolved(kMember, "@u2:a"), "M2");
}

// A rejected event that is cited authorizes nothing, but one in a state is part of the conflict.
TEST(StateResolution, DoesNotTakeRejectedAuthEventsForMissingState) {
    Scenario room("11");
    add_members(room, true);
    room.add({"L1", "@u1:a", kMember, "@u1:a", membership("leave"), 1500, {"P1", "M1"}});
    room.add({"T1", "@u1:a", kTopic, "", {}, 2000, {"P1", "M1"}});
    room.add({"T2", "@u0:a", kTopic, "", {}, 1900, {"P1", "E1"}});
    // u1 has no membership in either state; M1 is in the chain of both by the name.
    room.add({"N1", "@u1:a", "m.room.name", "", {}, 1600, {"P1", "M1"}});
    const State one = room.state({"E1", "P1", "R1", "N1", "T1"});
    const State two = room.state({"E1", "P1", "R1", "N1", "T2"});

    room.resolve({one, two});
    EXPECT_EQ(room.resolved(kTopic), "T1");
    room.reject("M1");
    room.resolve({one, two});
    EXPECT_EQ(room.resolved(kTopic), "T2");
}

TEST(StateResolution, AppliesRejectedEventsThatPassNow) {
    Scenario room("11");
    add_members(room, true);
    room.add({"T1", "@u1:a", kTopic, "", {}, 2000, {"P1", "M1"}});
    room.reject("T1");
    room.resolve(
        {room.state({"E1", "P1", "R1", "M1", "T1"}), room.state({"E1", "P1", "R1", "M1"})});
    EXPECT_EQ(room.resolved(kTopic), "T1");
}

// MSC4297, problem A, which v2.1 solves: both join rules were sent by somebody who has left since.
TEST_P(StateResolutionOf, KeepsTheJoinRulesOfSomebodyWhoLeftInVersion12) {
    room_.add({"R2", "@u1:a", kJoinRules, "", join_rule("invite"), 2000, {"P1", "M1"}});
    room_.add({"R3", "@u1:a", kJoinRules, "", join_rule("public"), 2001, {"P1", "M1"}});
    room_.add({"L1", "@u1:a", kMember, "@u1:a", membership("leave"), 2002, {"P1", "M1"}});
    room_.resolve({room_.state({"E1", "P1", "R2", "L1"}), room_.state({"E1", "P1", "R3", "L1"})});
    EXPECT_EQ(room_.resolved(kJoinRules), is_v2_1() ? "R3" : "nothing");
}

// MSC4297, problem B: one state has stale power levels, and an intermediate promotion is in the
// chains of both. Without it, what the promoted did is not authorized.
TEST_P(StateResolutionOf, ReplaysWhatLiesBetweenConflictingEventsInVersion12) {
    const auto with_creator = [&](json::Object users) {
        if (!is_v2_1()) users.set("@u0:a", 100);
        return levels(std::move(users));
    };
    room_.add({"P2", "@u0:a", kPowerLevels, "", with_creator({{"@u1:a", 60}}), 2000, {"P1", "E1"}});
    room_.add({"P3",
               "@u1:a",
               kPowerLevels,
               "",
               with_creator({{"@u1:a", 60}, {"@u2:a", 55}}),
               2001,
               {"P2", "M1"}});
    room_.add({"N1", "@u0:a", "m.room.name", "", {}, 2002, {"P3", "E1"}});
    const ResolutionTrace& trace = room_.resolve(
        {room_.state({"E1", "P1", "R1", "M1", "N1"}), room_.state({"E1", "P3", "R1", "M1", "N1"})});
    const std::vector<std::string> replayed =
        is_v2_1() ? std::vector<std::string>{"P1", "R1", "P2", "M1", "P3"}
                  : std::vector<std::string>{"P1", "P3"};
    EXPECT_EQ(Scenario::labels_of(trace.power_events), replayed);
    EXPECT_EQ(room_.resolved(kPowerLevels), is_v2_1() ? "P3" : "P1");
}

TEST_P(StateResolutionOf, CountsUnknownEventsAsAbsent) {
    room_.add({"T1", "@u1:a", kTopic, "", {}, 2001, {"P1", "M1", "unknown"}});
    const State known = room_.state({"E1", "P1", "R1", "M1", "T1"});
    const State unknown =
        room_.state({"E1", "P1", "R1", "M1"}).with({kTopic, ""}, EventId("$unknown"));
    room_.resolve({known, unknown});
    EXPECT_EQ(room_.resolved(kTopic), "T1");
    room_.resolve({unknown, room_.state({"E1", "P1", "R1", "M1"})});
    EXPECT_EQ(room_.resolved(kTopic), "nothing");
}

// Only ids that are no hashes can claim a cycle.
TEST(StateResolution, EndsWhenEventsClaimToAuthorizeEachOther) {
    Scenario room("2");
    add_members(room, true);
    room.add({"P2", "@u0:a", kPowerLevels, "", levels({{"@u0:a", 100}}), 2000, {"P3", "E1"}});
    room.add({"P3", "@u0:a", kPowerLevels, "", levels({{"@u0:a", 100}}), 2001, {"P2", "E1"}});
    room.add({"T1", "@u0:a", kTopic, "", {}, 2001, {"P3", "E1", "T1"}});
    const ResolutionTrace& trace = room.resolve(
        {room.state({"E1", "P2", "R1", "M1", "T1"}), room.state({"E1", "P3", "R1", "M1"})});
    EXPECT_THAT(Scenario::labels_of(trace.full_conflicted_set), ElementsAre("P2", "P3", "T1"));
    EXPECT_EQ(room.resolved(kPowerLevels), "nothing");
}

// Power levels far back in time must not make the stack deep.
TEST(StateResolution, CopesWithALongChain) {
    Scenario room("11");
    add_members(room, true);
    std::string last = "P1";
    std::vector<std::string> labels;
    for (int number = 0; number < 5'000; ++number) {
        const std::string label = "Q" + std::to_string(number);
        room.add({label.c_str(),
                  "@u0:a",
                  kPowerLevels,
                  "",
                  levels({{"@u0:a", 100}, {"@u1:a", 50}}),
                  2000 + number,
                  {last.c_str(), "E1"}});
        last = label;
    }
    room.add({"T1", "@u1:a", kTopic, "", {}, 99'999, {last.c_str(), "M1"}});
    room.add({"T2", "@u1:a", kTopic, "", {}, 99'999, {"P1", "M1"}});
    const ResolutionTrace& trace = room.resolve({room.state({"E1", last.c_str(), "R1", "M1", "T1"}),
                                                 room.state({"E1", "P1", "R1", "M1", "T2"})});
    EXPECT_EQ(trace.mainline.size(), 5'001u);
    EXPECT_EQ(room.resolved(kTopic), "T1");
    EXPECT_EQ(room.resolved(kPowerLevels), last);
}

}  // namespace
}  // namespace matrix::testing
