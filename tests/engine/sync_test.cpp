#include <map>

#include <gtest/gtest.h>

#include "simulator/traced_random.h"
#include "tests/engine/client_world.h"

namespace matrix::engine {
namespace {

std::string room_path(const std::string& room, std::string_view rest) {
    return "/rooms/" + segment(room) + std::string(rest);
}

/// A client that folds syncs together as a client should.
class Folding {
public:
    Folding(ClientWorld& world, std::string token) : world_(world), token_(std::move(token)) {}

    const ClientAnswer& sync(const std::string& more = "") {
        std::string path = "/sync?timeout=0" + more;
        if (!since_.empty()) path += "&since=" + since_;
        answer_ = world_.call(token_, "GET", path);
        EXPECT_EQ(answer_.status, 200) << answer_.text;
        since_ = answer_.string_at({"next_batch"});
        for (const json::Member& room : rooms_of("join"))
            fold(room.key, room.value);
        for (const json::Member& room : rooms_of("leave"))
            state_.erase(room.key);
        return answer_;
    }
    json::Object rooms_of(std::string_view section) const {
        const json::Value* rooms = answer_.at({"rooms", section});
        return rooms && rooms->if_object() ? *rooms->if_object() : json::Object{};
    }
    const std::string& since() const { return since_; }

    using RoomState = std::map<std::pair<std::string, std::string>, std::string>;
    /// Joined rooms, and what event each has for a key of its state.
    const std::map<std::string, RoomState>& state() const { return state_; }
    std::vector<std::string> bodies() const { return bodies_; }

private:
    void fold(const std::string& room, const json::Value& update) {
        for (const std::string_view part : {"state", "timeline"}) {
            for (const json::Value& event : *update.find(part)->find_array("events")) {
                const std::string* key = event.find_string("state_key");
                const std::string* type = event.find_string("type");
                if (key) state_[room][{*type, *key}] = *event.find_string("event_id");
                EXPECT_EQ(event.find("room_id"), nullptr);
                const std::string* body = event.find("content")->find_string("body");
                if (body) bodies_.push_back(*body);
            }
        }
    }

    ClientWorld& world_;
    std::string token_;
    std::string since_;
    ClientAnswer answer_;
    std::map<std::string, RoomState> state_;
    std::vector<std::string> bodies_;
};

void say(ClientWorld& world, const std::string& token, const std::string& room, int number) {
    const ClientAnswer answer =
        world.call(token,
                   "PUT",
                   room_path(room, "/send/m.room.message/") + std::to_string(number),
                   json::Object{{"body", std::to_string(number)}, {"msgtype", "m.text"}});
    EXPECT_EQ(answer.status, 200) << answer.text;
}

const json::Value* timeline_of(const Folding& client, const std::string& room) {
    static json::Object rooms;
    rooms = client.rooms_of("join");
    const json::Value* update = rooms.find(room);
    return update ? update->find("timeline") : nullptr;
}

TEST(Sync, IsFirstEverythingThenWhatIsNew) {
    ClientWorld world;
    const std::string alice = world.token(0);
    const std::string room = world.create_room(alice);
    Folding client(world, alice);
    client.sync();
    EXPECT_EQ(client.state().size(), 1U);
    EXPECT_TRUE(client.state().at(room).contains({"m.room.create", ""}));
    EXPECT_TRUE(client.sync().at({"rooms", "join"})->if_object()->empty());
    say(world, alice, room, 1);
    client.sync();
    EXPECT_EQ(client.bodies(), std::vector<std::string>{"1"});
    const json::Value* timeline = timeline_of(client, room);
    ASSERT_NE(timeline, nullptr);
    const json::Value& event = timeline->find_array("events")->front();
    EXPECT_EQ(*event.find("unsigned")->find_string("transaction_id"), "1");
    EXPECT_EQ(*event.find("unsigned")->find_string("membership"), "join");
    EXPECT_EQ(*timeline->find_boolean("limited"), false);
}

TEST(Sync, SaysWhenTheTimelineHasAGapAndWhereItIsFilled) {
    ClientWorld world;
    const std::string alice = world.token(0);
    const std::string room = world.create_room(alice);
    Folding client(world, alice);
    client.sync();
    for (int i = 0; i < 9; ++i)
        say(world, alice, room, i);
    client.sync("&filter=" + segment(R"({"room":{"timeline":{"limit":3}}})"));
    EXPECT_EQ(client.bodies(), (std::vector<std::string>{"6", "7", "8"}));
    const json::Value* timeline = timeline_of(client, room);
    EXPECT_EQ(*timeline->find_boolean("limited"), true);
    const ClientAnswer page = world.call(alice,
                                         "GET",
                                         room_path(room, "/messages?dir=b&limit=6&from=") +
                                             segment(*timeline->find_string("prev_batch")));
    std::vector<std::string> bodies;
    for (const json::Value& event : *page.at({"chunk"})->if_array())
        bodies.push_back(*event.find("content")->find_string("body"));
    EXPECT_EQ(bodies, (std::vector<std::string>{"5", "4", "3", "2", "1", "0"}));
}

TEST(Sync, ShowsInvitesWithStrippedStateAndLeaves) {
    ClientWorld world;
    const std::string alice = world.token(0);
    const std::string bob = world.token(1);
    Folding client(world, bob);
    client.sync();
    const std::string room =
        world.create_room(alice, {{"name", "Pub"}, {"invite", json::Array{world.id(1)}}});
    client.sync();
    const json::Object invites = client.rooms_of("invite");
    ASSERT_TRUE(invites.contains(room));
    bool has_name = false;
    bool has_invite = false;
    for (const json::Value& event :
         *invites.find(room)->find("invite_state")->find_array("events")) {
        has_name = has_name || *event.find_string("type") == "m.room.name";
        has_invite = has_invite || *event.find_string("state_key") == world.id(1);
        EXPECT_EQ(event.if_object()->size(), 4U);
    }
    EXPECT_TRUE(has_name);
    EXPECT_TRUE(has_invite);
    world.call(bob, "POST", room_path(room, "/join"));
    client.sync();
    EXPECT_TRUE(client.state().at(room).contains({"m.room.create", ""}));
    EXPECT_TRUE(client.rooms_of("invite").empty());
    world.call(bob, "POST", room_path(room, "/leave"));
    say(world, alice, room, 99);
    client.sync();
    EXPECT_TRUE(client.rooms_of("leave").contains(room));
    EXPECT_TRUE(client.bodies().empty());
    client.sync();
    EXPECT_TRUE(client.rooms_of("leave").empty());
    Folding fresh(world, bob);
    fresh.sync();
    EXPECT_TRUE(fresh.rooms_of("leave").empty());
    Folding curious(world, bob);
    curious.sync("&filter=" + segment(R"({"room":{"include_leave":true}})"));
    EXPECT_TRUE(curious.rooms_of("leave").contains(room));
}

TEST(Sync, ShowsThatADeclinedInviteIsGone) {
    ClientWorld world(2);
    const std::string bob = world.token(0, 1);
    const std::string room =
        world.create_room(world.token(0), {{"invite", json::Array{world.id(0, 1)}}});
    const auto sync = [&](const std::string& since) {
        return world.call(bob, "GET", "/sync?timeout=0&since=" + since, {}, 1);
    };
    const ClientAnswer invited = sync("");
    ASSERT_NE(invited.at({"rooms", "invite", room}), nullptr) << invited.text;
    const ClientAnswer left = world.call(bob, "POST", room_path(room, "/leave"), json::Object{}, 1);
    ASSERT_EQ(left.status, 200) << left.text;
    const ClientAnswer after = sync(invited.string_at({"next_batch"}));
    EXPECT_NE(after.at({"rooms", "leave", room}), nullptr) << after.text;
    EXPECT_EQ(after.at({"rooms", "invite", room}), nullptr);
}

TEST(Sync, LoadsMembersLazily) {
    ClientWorld world;
    const std::string room = world.create_room(world.token(0), {{"preset", "public_chat"}});
    world.call(world.token(1), "POST", room_path(room, "/join"));
    world.call(world.token(2), "POST", room_path(room, "/join"));
    for (int i = 0; i < 3; ++i)
        say(world, world.token(0), room, i);
    Folding client(world, world.token(1));
    client.sync("&filter=" +
                segment(R"({"room":{"timeline":{"limit":2},"state":{"lazy_load_members":true}}})"));
    const auto& state = client.state().at(room);
    EXPECT_TRUE(state.contains({"m.room.member", world.id(0)}));  // The sender.
    EXPECT_TRUE(state.contains({"m.room.member", world.id(1)}));  // The client.
    const json::Object rooms = client.rooms_of("join");
    const json::Value* summary = rooms.find(room)->find("summary");
    EXPECT_EQ(*summary->find_integer("m.joined_member_count"), 3);
    EXPECT_EQ(summary->find_array("m.heroes")->size(), 2U);
}

TEST(Sync, WaitsForNewsAndForNothingElse) {
    ClientWorld world;
    const std::string alice = world.token(0);
    const std::string room = world.create_room(alice);
    const std::string other = world.create_room(world.token(1));
    Folding client(world, alice);
    client.sync();
    const PendingAnswer waiting = world.start(
        world.make_request(alice, "GET", "/sync?timeout=30000&since=" + client.since()));
    say(world, world.token(1), other, 1);
    world.run(1000);
    EXPECT_FALSE(waiting.is_there());
    say(world, alice, room, 2);
    world.run(100);
    ASSERT_TRUE(waiting.is_there());
    EXPECT_NE((*waiting).at({"rooms", "join", room}), nullptr);
}

TEST(Sync, AnswersWithNothingWhenItsTimeIsUp) {
    ClientWorld world;
    const std::string alice = world.token(0);
    Folding client(world, alice);
    client.sync();
    const PendingAnswer waiting =
        world.start(world.make_request(alice, "GET", "/sync?timeout=5000&since=" + client.since()));
    world.run(4900);
    EXPECT_FALSE(waiting.is_there());
    world.run(200);
    ASSERT_TRUE(waiting.is_there());
    EXPECT_EQ((*waiting).status, 200);
    EXPECT_TRUE((*waiting).at({"rooms", "join"})->if_object()->empty());
}

TEST(Sync, RefusesTokensAndFiltersThatAreNone) {
    ClientWorld world;
    for (const char* query : {"since=x",
                              "since=s-1",
                              "timeout=soon",
                              "full_state=maybe",
                              "filter=17",
                              "filter=%7B",
                              "since=s1x"}) {
        const ClientAnswer answer =
            world.call(world.token(0), "GET", std::string("/sync?") + query);
        EXPECT_EQ(answer.status, 400) << query;
        EXPECT_EQ(answer.errcode(), "M_INVALID_PARAM") << query;
    }
}

TEST(Filter, IsStoredAndUsed) {
    ClientWorld world;
    const std::string alice = world.token(0);
    const std::string room = world.create_room(alice);
    const std::string path = "/user/" + segment(world.id(0)) + "/filter";
    const json::Object filter{
        {"room", json::Object{{"timeline", json::Object{{"types", json::Array{"m.room.na*"}}}}}}};
    const std::string id = world.call(alice, "POST", path, filter).string_at({"filter_id"});
    EXPECT_EQ(world.call(alice, "GET", path + "/" + id).body, json::Value(filter));
    EXPECT_EQ(world.call(alice, "GET", path + "/99").errcode(), "M_NOT_FOUND");
    EXPECT_EQ(world.call(world.token(1), "GET", path + "/" + id).errcode(), "M_FORBIDDEN");
    Folding client(world, alice);
    client.sync("&filter=" + id);
    world.call(alice, "PUT", room_path(room, "/state/m.room.name"), json::Object{{"name", "x"}});
    say(world, alice, room, 1);
    client.sync("&filter=" + id);
    EXPECT_EQ(timeline_of(client, room)->find_array("events")->size(), 1U);
}

/// One random step of a user.
void act(ClientWorld& world, runtime::Random& random, std::vector<std::string>& rooms, int step) {
    const std::string token = world.token(static_cast<int>(random.below(3)));
    const auto pick_room = [&] { return rooms[random.below(rooms.size())]; };
    const std::uint64_t kind = rooms.empty() ? 0 : random.below(10);
    if (kind == 0 && rooms.size() < 4) {
        rooms.push_back(world.create_room(token, {{"preset", "public_chat"}}));
    } else if (kind <= 3) {
        const json::Object body{{"body", std::to_string(step)}};
        world.call(token,
                   "PUT",
                   room_path(pick_room(), "/send/m.room.message/") + std::to_string(step),
                   body);
    } else if (kind == 4) {
        const json::Object content{{"name", std::to_string(step)}};
        world.call(token, "PUT", room_path(pick_room(), "/state/m.room.name"), content);
    } else if (kind == 5) {
        const json::Object content{{"x", step}};
        world.call(
            token, "PUT", room_path(pick_room(), "/state/t/") + std::to_string(step % 4), content);
    } else if (kind <= 7) {
        world.call(token, "POST", room_path(pick_room(), "/join"));
    } else if (kind == 8) {
        world.call(token, "POST", room_path(pick_room(), "/leave"));
    } else {
        const json::Object target{{"user_id", world.id(static_cast<int>(random.below(3)))}};
        world.call(token, "POST", room_path(pick_room(), "/kick"), target);
    }
}

TEST(Sync, FoldedStepByStepIsWhatAFreshOneSays) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        SCOPED_TRACE(seed);
        ClientWorld world(1, seed);
        runtime::Random& random = world.cluster().choices().stream("sync_test");
        std::vector<std::string> rooms;
        std::vector<Folding> clients;
        for (int user = 0; user < 3; ++user)
            clients.emplace_back(world, world.token(user));
        const std::string tight = "&filter=" + segment(R"({"room":{"timeline":{"limit":2}}})");
        for (int step = 0; step < 60; ++step) {
            act(world, random, rooms, step);
            Folding& client = clients[random.below(clients.size())];
            if (random.one_in(3)) client.sync(random.one_in(2) ? tight : "");
        }
        for (int user = 0; user < 3; ++user) {
            clients[static_cast<std::size_t>(user)].sync(tight);
            Folding fresh(world, world.token(user));
            fresh.sync();
            EXPECT_EQ(clients[static_cast<std::size_t>(user)].state(), fresh.state());
        }
    }
}

}  // namespace
}  // namespace matrix::engine
