// What is a state reset and what is not, on rooms of a few events.

#include "simulator/lab/resets.h"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "conformance/oracle/vectors.h"
#include "refserver/protocol/state_resolution.h"
#include "simulator/lab/repairs.h"

namespace matrix::lab {
namespace {

/// A room of v11 with three users at power level 100 each, in which everything is told by labels.
class SmallRoom {
public:
    SmallRoom() {
        add("$create", {}, "m.room.create", "", "@a:x", {});
        for (const char* user : {"@a:x", "@b:x", "@c:x"})
            add(std::string("$join") + user[1],
                {newest_},
                "m.room.member",
                user,
                user,
                member("join"));
        json::Object levels{{"@a:x", 100}, {"@b:x", 100}, {"@c:x", 50}};
        add("$levels", {newest_}, "m.room.power_levels", "", "@a:x", {{"users", levels}});
        add("$public", {newest_}, "m.room.join_rules", "", "@a:x", {{"join_rule", "public"}});
    }

    static json::Object member(const char* membership) { return {{"membership", membership}}; }

    /// Adds an event that follows on others; the first of them has the state before it.
    void add(const std::string& id,
             const std::vector<std::string>& after,
             const std::string& type,
             const std::string& state_key,
             const std::string& sender,
             json::Object content) {
        json::Object pdu{{"event_id", id},
                         {"type", type},
                         {"state_key", state_key},
                         {"sender", sender},
                         {"content", std::move(content)}};
        auto parsed = oracle::parse_vector_event(json::Value(pdu), rules_, RoomId("!r:x"), "event");
        ASSERT_TRUE(parsed) << parsed.error();
        Event event = **parsed;
        for (const std::string& parent : after)
            event.prev_events.emplace_back(parent);
        const State before = after.empty() ? State() : states_.at(after.front());
        history_.add(std::make_shared<const Event>(event), before);
        states_[id] = before.with({type, state_key}, EventId(id));
        newest_ = id;
    }

    const State& after(const std::string& id) const { return states_.at(id); }
    const History& history() const { return history_; }

    std::vector<TakenBack> find(const std::vector<State>& inputs, const State& result) const {
        return find_taken_back(history_, inputs, result);
    }

private:
    const RoomRules& rules_ = *find_room_rules("11");
    History history_;
    std::map<std::string, State> states_;
    std::string newest_;
};

const StateKey kJoinRules = {"m.room.join_rules", ""};
const StateKey kTopic = {"m.room.topic", ""};

json::Object rule(const char* name) {
    return {{"join_rule", name}};
}

TEST(StateReset, IsAnOlderValueThatNobodyArguedFor) {
    SmallRoom room;
    room.add("$invite", {"$public"}, "m.room.join_rules", "", "@a:x", rule("invite"));
    const std::vector<State> inputs = {room.after("$invite"), room.after("$public")};
    const std::vector<TakenBack> reset = {
        {kJoinRules, EventId("$invite"), EventId("$public"), true}};
    EXPECT_EQ(room.find(inputs, room.after("$public")), reset);
    EXPECT_TRUE(room.find(inputs, room.after("$invite")).empty()) << "the newest value stays";
}

TEST(StateReset, IsAlsoAKeyThatIsLost) {
    SmallRoom room;
    const std::vector<State> inputs = {room.after("$public"), room.after("$levels")};
    const std::vector<TakenBack> reset = {{kJoinRules, EventId("$public"), std::nullopt, true}};
    EXPECT_EQ(room.find(inputs, room.after("$levels")), reset);
}

TEST(StateReset, IsNoneWhereTheInputsArgue) {
    SmallRoom room;
    room.add("$invite", {"$public"}, "m.room.join_rules", "", "@a:x", rule("invite"));
    room.add("$knock", {"$public"}, "m.room.join_rules", "", "@b:x", rule("knock"));
    const std::vector<State> inputs = {room.after("$invite"), room.after("$knock")};
    for (const char* result : {"$invite", "$knock", "$public"})
        EXPECT_TRUE(room.find(inputs, room.after(result)).empty()) << result;
}

TEST(StateReset, HasAReasonIfSomethingConcurrentForbidsTheValue) {
    SmallRoom room;
    room.add("$topic", {"$public"}, "m.room.topic", "", "@c:x", {{"topic", "c was here"}});
    room.add("$ban", {"$public"}, "m.room.member", "@c:x", "@a:x", SmallRoom::member("ban"));
    const std::vector<State> inputs = {room.after("$topic"), room.after("$ban")};
    const std::vector<TakenBack> lost = {{kTopic, EventId("$topic"), std::nullopt, false}};
    EXPECT_EQ(room.find(inputs, room.after("$ban")), lost);
}

TEST(StateReset, HasNoneInWhatCameAfterTheValueOnItsOwnBranch) {
    SmallRoom room;
    room.add("$topic", {"$public"}, "m.room.topic", "", "@c:x", {{"topic", "c was here"}});
    room.add("$ban", {"$topic"}, "m.room.member", "@c:x", "@a:x", SmallRoom::member("ban"));
    const State without_topic = room.after("$ban").without(kTopic);
    const std::vector<State> inputs = {room.after("$ban"), room.after("$public")};
    const std::vector<TakenBack> reset = {{kTopic, EventId("$topic"), std::nullopt, true}};
    EXPECT_EQ(room.find(inputs, without_topic), reset);
}

TEST(StateReset, LeavesOutEventsThatAreUnknown) {
    SmallRoom room;
    const State strange = room.after("$public").with(kJoinRules, EventId("$strange"));
    EXPECT_TRUE(room.find({room.after("$public"), strange}, room.after("$levels")).empty());
}

// --- The known causes ----------------------------------------------------------------------------

/// A vector whose events follow on one another in their order.
struct LinearCase {
    oracle::ResolutionCase told;
    std::map<EventId, EventPtr> events;
    History history;
    std::vector<State> inputs;

    FindEvent finder() const {
        return [this](const EventId& id) -> auth::CitedEvent {
            const auto found = events.find(id);
            return found == events.end() ? auth::CitedEvent{} : auth::CitedEvent{found->second};
        };
    }
};

LinearCase read_case(const std::string& name) {
    std::ifstream file("fixtures/vectors/state_resolution/counter_examples.json");
    const auto cases =
        oracle::parse_resolution_cases(std::string{std::istreambuf_iterator<char>(file), {}});
    LinearCase linear;
    if (!cases) return linear;
    for (const oracle::ResolutionCase& one : *cases) {
        if (one.name == name) linear.told = one;
    }
    State state;
    std::optional<EventId> previous;
    for (const EventPtr& event : linear.told.events) {
        Event copy = *event;
        if (previous) copy.prev_events = {*previous};
        previous = copy.id;
        const auto placed = std::make_shared<const Event>(copy);
        linear.history.add(placed, state);
        linear.events[copy.id] = placed;
        state = state.with({copy.type, *copy.state_key}, copy.id);
    }
    for (const oracle::StateMap& map : linear.told.state_sets) {
        std::vector<std::pair<StateKey, EventId>> entries;
        for (const auto& [key, id] : map)
            entries.push_back({{key.first, key.second}, id});
        linear.inputs.push_back(State::make(entries));
    }
    return linear;
}

void check_problem(const std::string& name, const std::string& repair) {
    const LinearCase v11 = read_case(name + ", v11");
    ASSERT_FALSE(v11.inputs.empty());
    const RoomRules& rules = *v11.told.rules;
    const State result = resolve(v11.inputs, v11.finder(), rules, ed25519_verifier());
    const auto taken = find_taken_back(v11.history, v11.inputs, result);
    ASSERT_EQ(taken.size(), 1) << name;
    EXPECT_TRUE(taken.front().is_reset) << taken.front();
    EXPECT_EQ(find_repair(v11.history, v11.finder(), v11.inputs, rules, *find_room_rules("12")),
              repair);

    const LinearCase v12 = read_case(name + ", v12");
    ASSERT_FALSE(v12.inputs.empty());
    const State kept = resolve(v12.inputs, v12.finder(), *v12.told.rules, ed25519_verifier());
    EXPECT_TRUE(find_taken_back(v12.history, v12.inputs, kept).empty()) << name;
}

TEST(KnownCauses, ProblemAIsAResetThatTheEmptyStartRepairs) {
    check_problem("MSC4297 problem A", "initial_state empty");
}

TEST(KnownCauses, ProblemBIsAResetThatTheSubgraphRepairs) {
    check_problem("MSC4297 problem B", "has_conflicted_subgraph true");
}

}  // namespace
}  // namespace matrix::lab
