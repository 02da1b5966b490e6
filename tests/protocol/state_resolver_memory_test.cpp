// What a resolver forgets between two resolutions, and what cannot be read again.

#include <set>

#include <gtest/gtest.h>

#include "refserver/protocol/state_resolver.h"
#include "tests/protocol/abstract_room.h"

namespace matrix::testing {
namespace {

constexpr int kMembers = 40;
/// So many that a resolver does not keep all of their events at hand.
constexpr int kSettings = 2'400;

// A large room of version 11 in two states: they differ in the power levels and in every setting.
class LargeRoom : public ::testing::Test {
protected:
    LargeRoom() {
        add("$create", "m.room.create", "", {{"creator", "@a:x"}}, {});
        add("$join", "m.room.member", "@a:x", {{"membership", "join"}}, {"$create"});
        const json::Object levels = {{"users", json::Object{{"@a:x", 100}}}};
        add("$levels0", "m.room.power_levels", "", levels, {"$create", "$join"});
        add("$levels1", "m.room.power_levels", "", levels, {"$create", "$join", "$levels0"});
        add("$levels2", "m.room.power_levels", "", levels, {"$create", "$join", "$levels0"}, 1);
        const json::Object open = {{"join_rule", "public"}};
        for (const char* id : {"$rules1", "$rules3", "$rules4"})
            add(id, "m.room.join_rules", "", open, {"$create", "$join", "$levels0"});
        base_ = State()
                    .with({"m.room.create", ""}, EventId("$create"))
                    .with({"m.room.member", "@a:x"}, EventId("$join"));
        for (int number = 0; number < kMembers; ++number) {
            const std::string user = "@u" + std::to_string(number) + ":x";
            const std::string id = "$member" + std::to_string(number);
            add(id, "m.room.member", user, {{"membership", "join"}}, {"$create", "$rules1"});
            base_ = base_.with({"m.room.member", user}, EventId(id));
        }
        one_ = base_.with({"m.room.power_levels", ""}, EventId("$levels1"));
        two_ = base_.with({"m.room.power_levels", ""}, EventId("$levels2"));
        for (int number = 0; number < kSettings; ++number) {
            add_setting(number, "a", one_, {"$create", "$join", "$levels1", "$rules3", "$rules4"});
            add_setting(number, "b", two_, {"$create", "$join", "$levels2", "$rules3", "$rules4"});
        }
    }
    void add(const std::string& id,
             const std::string& type,
             const std::string& state_key,
             const json::Object& content,
             std::vector<std::string> auth_events,
             std::int64_t time = 0) {
        store_.add(make_abstract_event(
            {.id = id,
             .type = type,
             .state_key = state_key,
             .sender = type == "m.room.member" ? state_key : "@a:x",
             .content = content,
             .origin_server_ts = time,
             .auth_events = std::move(auth_events),
             .prev_events = {type == "m.room.member" && state_key == "@a:x" ? "$create" : "$x"}},
            rules_));
    }
    void add_setting(int number,
                     const std::string& side,
                     State& state,
                     std::vector<std::string> auth_events) {
        const std::string key = std::to_string(number);
        const std::string id = "$setting" + key + side;
        add(id, "org.example.setting", key, {}, std::move(auth_events));
        state = state.with({"org.example.setting", key}, EventId(id));
    }
    FindEvent finder() {
        return [this](const EventId& id) {
            return auth::CitedEvent{lost_.contains(id) ? nullptr : store_.find(id.text())};
        };
    }
    State resolve_afresh(const std::vector<State>& states) {
        return Resolver(rules_, finder(), ed25519_verifier()).resolve(states);
    }
    // Resolves all of the room, and then so little that the next resolution lets go of its events.
    void fill(Resolver& resolver) {
        EXPECT_EQ(resolver.resolve(std::vector{one_, two_}), resolve_afresh({one_, two_}));
        EXPECT_EQ(resolver.resolve(few_), resolve_afresh(few_));
    }

    const RoomRules& rules_ = *find_room_rules("11");
    EventStore store_;
    std::set<EventId> lost_;  ///< What cannot be read at present.
    State base_;
    State one_;
    State two_;
    const std::vector<State> few_ = {
        base_.with({"org.example.setting", "0"}, EventId("$setting0a")),
        base_.with({"org.example.setting", "0"}, EventId("$setting0b"))};
};

TEST_F(LargeRoom, ResolvesAsEverWithEventsThatItHasLetGo) {
    Resolver resolver(rules_, finder(), ed25519_verifier());
    fill(resolver);
    EXPECT_EQ(resolver.resolve(few_), resolve_afresh(few_));
    resolver.refresh(EventId("$setting7a"));
    EXPECT_EQ(resolver.resolve(std::vector{one_, two_}), resolve_afresh({one_, two_}));
}

// The disk may fail.
TEST_F(LargeRoom, RefusesAnEventThatCannotBeReadAgain) {
    Resolver resolver(rules_, finder(), ed25519_verifier());
    fill(resolver);
    // All settings cite these, so that nobody has asked for their senders' levels.
    const std::vector<State> states = {base_.with({"m.room.join_rules", ""}, EventId("$rules3")),
                                       base_.with({"m.room.join_rules", ""}, EventId("$rules4"))};
    lost_ = {EventId("$rules3"), EventId("$rules4")};
    EXPECT_EQ(resolver.resolve(states), base_);
    lost_.clear();
    EXPECT_EQ(resolve_afresh(states).size(), base_.size() + 1);
}

TEST_F(LargeRoom, ForgetsAllWhenARefreshedEventIsNoMore) {
    Resolver resolver(rules_, finder(), ed25519_verifier());
    fill(resolver);
    lost_ = {EventId("$setting0b")};
    resolver.refresh(EventId("$setting0b"));
    EXPECT_LT(resolver.event_count(), 100u);
    EXPECT_EQ(resolver.resolve(few_), resolve_afresh(few_));
}

// Only what an application makes up: each event that is parsed has a room.
TEST(Resolver, FindsNoCreateEventOfAnEventWithoutARoom) {
    const RoomRules& rules = *find_room_rules("12");
    EventStore store;
    const auto add = [&](const AbstractEvent& event, const RoomId& room) {
        Event made = *make_abstract_event(event, rules);
        made.room_id = room;
        store.add(std::make_shared<const Event>(std::move(made)));
    };
    const RoomId room = abstract_room_id(rules);
    add({.id = "$create:a", .type = "m.room.create", .state_key = "", .sender = "@a:x"}, room);
    add({.id = "$join",
         .type = "m.room.member",
         .state_key = "@a:x",
         .sender = "@a:x",
         .content = {{"membership", "join"}},
         .prev_events = {"$create:a"}},
        room);
    const AbstractEvent topic{.id = "$topic",
                              .type = "m.room.topic",
                              .state_key = "",
                              .sender = "@a:x",
                              .auth_events = {"$join"},
                              .prev_events = {"$join"}};
    const State base = State()
                           .with({"m.room.create", ""}, EventId("$create:a"))
                           .with({"m.room.member", "@a:x"}, EventId("$join"));
    const std::vector<State> states = {base, base.with({"m.room.topic", ""}, EventId("$topic"))};
    for (const RoomId& of : {room, RoomId()}) {
        add(topic, of);
        EXPECT_EQ(resolve(states, store.finder(), rules, ed25519_verifier()),
                  of == room ? states[1] : base);
    }
}

TEST(Resolver, RefreshesAnEventOfV12ThatIsNoCreateEvent) {
    const RoomRules& rules = *find_room_rules("12");
    EventStore store;
    const auto add = [&](const AbstractEvent& event) {
        store.add(make_abstract_event(event, rules));
    };
    add({.id = "$create:a", .type = "m.room.create", .state_key = "", .sender = "@a:x"});
    add({.id = "$join",
         .type = "m.room.member",
         .state_key = "@b:x",
         .sender = "@b:x",
         .content = {{"membership", "join"}}});
    const auto add_levels = [&](std::int64_t level) {
        add({.id = "$levels",
             .type = "m.room.power_levels",
             .state_key = "",
             .sender = "@a:x",
             .content = {{"state_default", level}}});
    };
    add({.id = "$topic",
         .type = "m.room.topic",
         .state_key = "",
         .sender = "@b:x",
         .auth_events = {"$levels", "$join"},
         .prev_events = {"$join"}});
    add_levels(0);
    const State base = State()
                           .with({"m.room.create", ""}, EventId("$create:a"))
                           .with({"m.room.power_levels", ""}, EventId("$levels"))
                           .with({"m.room.member", "@b:x"}, EventId("$join"));
    const std::vector<State> states = {base, base.with({"m.room.topic", ""}, EventId("$topic"))};
    Resolver resolver(rules, store.finder(), ed25519_verifier());
    EXPECT_EQ(resolver.resolve(states), states[1]);
    add_levels(50);
    resolver.refresh(EventId("$levels"));
    EXPECT_EQ(resolver.resolve(states), base);
}

TEST(Resolver, ResolvesNoStatesToTheEmptyOne) {
    for (const RoomRules& rules : all_room_rules()) {
        EXPECT_EQ(resolve({}, EventStore().finder(), rules, ed25519_verifier()), State());
    }
}

}  // namespace
}  // namespace matrix::testing
