// Typing, receipts and presence over time, on a server and between two.

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "refserver/engine/ephemeral/presence.h"
#include "tests/engine/client_world.h"
#include "tests/engine/test_world.h"

namespace matrix::engine {
namespace {

constexpr std::int64_t kSecondMs = 1000;
constexpr std::int64_t kMinuteMs = 60 * kSecondMs;

/// Alice and bob are of one server, carol is of another; all are in one room.
class EphemeralTest : public testing::Test {
protected:
    EphemeralTest() {
        room_ = world_.create_room(alice_, {{"preset", "public_chat"}});
        join(bob_, 0);
        join(carol_, 1);
        world_.run(5 * kSecondMs);
    }
    void join(const std::string& token, int server) {
        const std::string path = "/join/" + segment(room_) + "?via=s0.test";
        EXPECT_EQ(world_.call(token, "POST", path, json::Object{}, server).status, 200);
    }
    /// Where a user of a server has got to; his next sync goes on there.
    struct Reader {
        std::string token;
        int server = 0;
        std::string since = {};
    };
    ClientAnswer sync(Reader& reader, const std::string& more = "&set_presence=offline") {
        std::string path = "/sync?timeout=0" + more;
        if (!reader.since.empty()) path += "&since=" + reader.since;
        const ClientAnswer answer = world_.call(reader.token, "GET", path, {}, reader.server);
        EXPECT_EQ(answer.status, 200) << answer.text;
        reader.since = answer.string_at({"next_batch"});
        return answer;
    }
    void put_typing(bool is_typing, std::int64_t timeout_ms = 30 * kSecondMs) {
        const std::string path = "/rooms/" + segment(room_) + "/typing/" + segment(world_.id(0));
        const json::Object body{{"typing", is_typing}, {"timeout", timeout_ms}};
        EXPECT_EQ(world_.call(alice_, "PUT", path, body).status, 200);
    }
    json::Array ephemeral_in(const ClientAnswer& answer, std::string_view type) const {
        json::Array found;
        const json::Value* events = answer.at({"rooms", "join", room_, "ephemeral", "events"});
        for (const json::Value& event : events ? *events->if_array() : json::Array{}) {
            if (*event.find_string("type") == type) found.push_back(event);
        }
        return found;
    }
    /// Who types, as text: "-" if the sync says nothing of it.
    std::string typing_in(const ClientAnswer& answer) const {
        const json::Array events = ephemeral_in(answer, "m.typing");
        if (events.empty()) return "-";
        std::string users;
        for (const json::Value& user : *events.front().find("content")->find_array("user_ids"))
            users += *user.if_string() + " ";
        return users;
    }
    /// "online+" where currently active; "-" if the sync says nothing of the user.
    std::string presence_in(const ClientAnswer& answer, const std::string& user) const {
        std::string found = "-";
        for (const json::Value& event : *answer.at({"presence", "events"})->if_array()) {
            if (*event.find_string("sender") != user) continue;
            const json::Value& content = *event.find("content");
            found = *content.find_string("presence");
            if (*content.find_boolean("currently_active")) found += '+';
        }
        return found;
    }
    std::string presence_of(const std::string& user, const std::string& token, int server = 0) {
        const ClientAnswer answer =
            world_.call(token, "GET", "/presence/" + segment(user) + "/status", {}, server);
        return answer.string_at({"presence"});
    }
    EventId say(const std::string& token, json::Object more = {}) {
        json::Object content{{"msgtype", "m.text"}, {"body", "hello"}};
        for (const json::Member& member : more)
            content.set(member.key, member.value);
        const std::string path =
            "/rooms/" + segment(room_) + "/send/m.room.message/" + std::to_string(++transactions_);
        return EventId(world_.call(token, "PUT", path, std::move(content)).string_at({"event_id"}));
    }
    ClientAnswer read(const std::string& token,
                      const std::string& type,
                      const EventId& event,
                      json::Object body = {}) {
        const std::string path =
            "/rooms/" + segment(room_) + "/receipt/" + type + "/" + segment(event.view());
        return world_.call(token, "POST", path, std::move(body));
    }

    ClientWorld world_{2};
    const std::string alice_ = world_.token(0);
    const std::string bob_ = world_.token(1);
    const std::string carol_ = world_.token(0, 1);
    std::string room_;
    int transactions_ = 0;
};

// --- Typing --------------------------------------------------------------------------------------

TEST_F(EphemeralTest, TypingEndsAfterItsTimeoutOnEachServer) {
    Reader bob{bob_};
    Reader carol{carol_, 1};
    sync(bob);
    sync(carol);
    put_typing(true, 10 * kSecondMs);
    world_.run(kSecondMs);
    EXPECT_EQ(typing_in(sync(bob)), world_.id(0) + " ");
    EXPECT_EQ(typing_in(sync(carol)), world_.id(0) + " ");
    EXPECT_EQ(typing_in(sync(bob)), "-") << "nothing is new";
    world_.run(10 * kSecondMs);
    EXPECT_EQ(typing_in(sync(bob)), "");
    EXPECT_EQ(typing_in(sync(carol)), "");
}

TEST_F(EphemeralTest, TypingThatGoesOnIsNoNews) {
    Reader bob{bob_};
    put_typing(true);
    world_.run(kSecondMs);
    sync(bob);
    for (int i = 0; i < 6; ++i) {
        world_.run(20 * kSecondMs);
        put_typing(true);
        EXPECT_EQ(typing_in(sync(bob)), "-");
    }
}

// Its clients would show it for as long as its own server remembers: a minute.
TEST_F(EphemeralTest, AnotherServerIsToldAgainOfWhoGoesOnTyping) {
    Reader carol{carol_, 1};
    sync(carol);
    put_typing(true, 5 * kMinuteMs);
    world_.run(4 * kMinuteMs);
    EXPECT_EQ(typing_in(sync(carol)), world_.id(0) + " ");
    world_.run(2 * kMinuteMs);
    EXPECT_EQ(typing_in(sync(carol)), "");
}

TEST_F(EphemeralTest, TypingOfAServerThatIsGoneEnds) {
    Reader carol{carol_, 1};
    put_typing(true, 5 * kMinuteMs);
    world_.run(kSecondMs);
    EXPECT_EQ(typing_in(sync(carol)), world_.id(0) + " ");
    world_.cluster().network().split({0, 1});
    world_.run(2 * kMinuteMs);
    EXPECT_EQ(typing_in(sync(carol)), "");
}

TEST_F(EphemeralTest, TypingWakesASync) {
    Reader bob{bob_};
    sync(bob);
    const PendingAnswer waiting = world_.start(world_.make_request(
        bob_, "GET", "/sync?set_presence=offline&timeout=30000&since=" + bob.since));
    world_.run(kSecondMs);
    EXPECT_FALSE(waiting.is_there());
    put_typing(true);
    world_.run(100);
    ASSERT_TRUE(waiting.is_there());
    EXPECT_EQ(typing_in(*waiting), world_.id(0) + " ");
}

// --- Receipts ------------------------------------------------------------------------------------

TEST_F(EphemeralTest, AReceiptThatGoesBackChangesNothing) {
    const EventId first = say(alice_);
    const EventId second = say(alice_);
    EXPECT_EQ(read(bob_, "m.read", second).status, 200);
    Reader alice{alice_};
    EXPECT_EQ(ephemeral_in(sync(alice), "m.receipt").size(), 1U);
    EXPECT_EQ(read(bob_, "m.read", first).status, 200);
    EXPECT_EQ(read(bob_, "m.read", second).status, 200);
    EXPECT_TRUE(ephemeral_in(sync(alice), "m.receipt").empty());
}

TEST_F(EphemeralTest, ReceiptsOfOneEventInTwoThreadsAreTwoEvents) {
    const EventId event = say(alice_);
    read(bob_, "m.read", event);
    read(bob_, "m.read", event, {{"thread_id", "main"}});
    Reader alice{alice_};
    EXPECT_EQ(ephemeral_in(sync(alice), "m.receipt").size(), 2U);
}

TEST_F(EphemeralTest, AThreadHoldsItsRootAndWhatLeadsToIt) {
    const auto relating = [](const EventId& to, const char* type) {
        return json::Object{
            {"m.relates_to", json::Object{{"rel_type", type}, {"event_id", to.text()}}}};
    };
    const EventId root = say(alice_);
    const EventId reply = say(alice_, relating(root, "m.thread"));
    const EventId edit = say(alice_, relating(reply, "m.replace"));
    const EventId beside = say(alice_, relating(root, "m.reference"));
    const EventId loop = say(alice_, relating(EventId("$unknown"), "m.replace"));
    const json::Object in_thread{{"thread_id", root.text()}};
    const json::Object in_main{{"thread_id", "main"}};
    const auto status = [&](const EventId& event, const json::Object& body) {
        return read(bob_, "m.read", event, body).status;
    };
    EXPECT_EQ(status(root, in_thread), 200);
    EXPECT_EQ(status(root, in_main), 200);
    EXPECT_EQ(status(reply, in_thread), 200);
    EXPECT_EQ(status(reply, in_main), 400);
    EXPECT_EQ(status(edit, in_thread), 200);
    EXPECT_EQ(status(edit, in_main), 400);
    EXPECT_EQ(status(beside, in_thread), 200);
    EXPECT_EQ(status(beside, in_main), 200);
    EXPECT_EQ(status(loop, in_thread), 400);
    EXPECT_EQ(status(loop, in_main), 200);
}

TEST_F(EphemeralTest, AReceiptReachesAServerThatWasAway) {
    Reader carol{carol_, 1};
    world_.cluster().network().split({0, 1});
    const EventId event = say(alice_);
    read(bob_, "m.read", event);
    world_.run(10 * kMinuteMs);
    world_.cluster().network().heal();
    world_.run(15 * kMinuteMs);
    const json::Array receipts = ephemeral_in(sync(carol), "m.receipt");
    ASSERT_EQ(receipts.size(), 1U);
    EXPECT_TRUE(receipts.front().find("content")->find(event.view())) << json::write(receipts[0]);
}

// --- Presence ------------------------------------------------------------------------------------

TEST_F(EphemeralTest, PresenceFollowsSyncsAndActivity) {
    Reader alice{alice_};
    Reader bob{bob_};
    sync(bob);
    const auto keep_syncing = [&](std::int64_t duration_ms) {
        for (std::int64_t passed = 0; passed < duration_ms; passed += 20 * kSecondMs) {
            sync(alice, "");
            world_.run(20 * kSecondMs);
        }
    };
    EXPECT_EQ(presence_of(world_.id(0), bob_), "offline");
    EXPECT_EQ(presence_in(sync(alice, ""), world_.id(0)), "online+") << "of herself, at once";
    EXPECT_EQ(presence_in(sync(bob), world_.id(0)), "online+");
    keep_syncing(2 * kMinuteMs);
    EXPECT_EQ(presence_in(sync(bob), world_.id(0)), "online") << "not active any more";
    keep_syncing(4 * kMinuteMs);
    EXPECT_EQ(presence_in(sync(bob), world_.id(0)), "unavailable") << "idle";
    say(alice_);
    EXPECT_EQ(presence_in(sync(bob), world_.id(0)), "online+");
    say(alice_);
    EXPECT_EQ(presence_in(sync(bob), world_.id(0)), "-") << "active already";
    world_.run(kMinuteMs);
    EXPECT_EQ(presence_in(sync(bob), world_.id(0)), "offline") << "she does not sync any more";
}

TEST_F(EphemeralTest, PresenceIsAsTheClientSays) {
    Reader bob{bob_};
    const std::string path = "/presence/" + segment(world_.id(0)) + "/status";
    world_.call(alice_, "PUT", path, json::Object{{"presence", "unavailable"}});
    EXPECT_EQ(presence_in(sync(bob), world_.id(0)), "unavailable");
    Reader alice{alice_};
    sync(alice, "");
    EXPECT_EQ(presence_of(world_.id(0), bob_), "unavailable") << "a sync does not take it back";
    sync(alice, "&set_presence=online");
    EXPECT_EQ(presence_of(world_.id(0), bob_), "online");
    sync(alice, "&set_presence=unavailable");
    EXPECT_EQ(presence_of(world_.id(0), bob_), "unavailable");
}

TEST_F(EphemeralTest, PresenceReachesServersThatShareARoom) {
    Reader alice{alice_};
    Reader carol{carol_, 1};
    sync(alice, "");
    world_.run(kSecondMs);
    EXPECT_EQ(presence_in(sync(carol), world_.id(0)), "online+");
    EXPECT_EQ(presence_of(world_.id(0), carol_, 1), "online");
    world_.run(kMinuteMs);
    EXPECT_EQ(presence_in(sync(carol), world_.id(0)), "offline");
}

TEST_F(EphemeralTest, ANewcomerLearnsWhoIsThere) {
    const std::string dave = world_.token(1, 1);
    const std::string erin = world_.token(2);
    Reader alice{alice_};
    Reader dave_reads{dave, 1};
    Reader erin_reads{erin};
    sync(dave_reads);
    sync(erin_reads);
    sync(alice, "");
    sync(dave_reads, "");
    world_.run(5 * kSecondMs);
    EXPECT_EQ(presence_in(sync(alice, ""), world_.id(1, 1)), "-");
    join(dave, 1);
    join(erin, 0);
    world_.run(5 * kSecondMs);
    EXPECT_EQ(presence_in(sync(dave_reads, ""), world_.id(0)), "online+");
    EXPECT_EQ(presence_in(sync(erin_reads), world_.id(0)), "online+");
    EXPECT_EQ(presence_in(sync(alice, ""), world_.id(1, 1)), "online+") << "and they of him";
}

TEST_F(EphemeralTest, UsersOfAServerThatIsGoneAreOffline) {
    Reader alice{alice_};
    Reader carol{carol_, 1};
    sync(alice, "");
    world_.run(kSecondMs);
    EXPECT_EQ(presence_in(sync(carol), world_.id(0)), "online+");
    world_.cluster().network().split({0, 1});
    world_.run(60 * kMinuteMs);
    EXPECT_EQ(presence_in(sync(carol), world_.id(0)), "offline");
}

TEST(PresenceAfterARestart, IsWhatItWasUntilNobodySyncsAnyMore) {
    TestWorld world;
    RoomHost a(world, "a.test");
    const Presence::Services services{.server_name = a.name,
                                      .rooms = a.rooms,
                                      .turns = a.turns,
                                      .clock = a.clock,
                                      .notifier = a.notifier,
                                      .outbox = a.outbox};
    const UserId alice = a.user("alice");
    const UserId eve("@eve:b.test");
    auto before = std::make_unique<Presence>(services);
    a.turn([&] {
        before->set(alice, DeviceId("PHONE"), PresenceState::Online, "here");
        before->receive({.user = eve, .state = PresenceState::Unavailable});
    });
    before.reset();
    Presence after(services);
    a.turn([&] { after.resume(); });
    EXPECT_EQ(after.find(alice).state, PresenceState::Online);
    EXPECT_EQ(after.find(alice).status_message, "here");
    world.settle(kSyncGrace.value / 1000 + 1);
    EXPECT_EQ(after.find(alice).state, PresenceState::Offline);
    EXPECT_EQ(after.find(alice).status_message, "here");
    EXPECT_EQ(after.find(eve).state, PresenceState::Unavailable);
    world.settle(2 * kRemotePresenceTimeout.value / 1000);
    EXPECT_EQ(after.find(eve).state, PresenceState::Offline);
}

TEST(PresenceOfStrangers, IsNoNewsWhileTheyAreAway) {
    TestWorld world;
    RoomHost a(world, "a.test");
    Presence presence({.server_name = a.name,
                       .rooms = a.rooms,
                       .turns = a.turns,
                       .clock = a.clock,
                       .notifier = a.notifier,
                       .outbox = a.outbox});
    const UserId eve("@eve:b.test");
    const StreamPosition before = a.turns.newest();
    a.turn([&] { presence.receive({.user = eve, .state = PresenceState::Offline}); });
    EXPECT_EQ(a.turns.newest(), before);
    EXPECT_EQ(presence.find(eve).state, PresenceState::Offline);
}

}  // namespace
}  // namespace matrix::engine
