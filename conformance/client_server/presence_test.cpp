// Presence.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#presence

#include "conformance/harness/conformance_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kPresencePlace = "client-server-api/#presence";
constexpr std::string_view kPutPresencePlace =
    "client-server-api/#put_matrixclientv3presenceuseridstatus";
constexpr std::string_view kGetPresencePlace =
    "client-server-api/#get_matrixclientv3presenceuseridstatus";

class PresenceTest : public ClientTest {
protected:
    static std::string path_of(const UserId& user) {
        return "/_matrix/client/v3/presence/" + escape(user.view()) + "/status";
    }
    Response put_presence(const Client& client, const UserId& user, const Json& body) const {
        return client.put(path_of(user), body);
    }
    /// The newest m.presence of a user in a sync; null if there is none.
    static const Json& find_presence(const Response& sync, const UserId& user) {
        static const Json nothing;
        const Json* found = &nothing;
        for (const Json& event : sync.at({"presence", "events"})) {
            if (string_at(event, {"sender"}) == user.text()) found = &event;
        }
        return *found;
    }

    Client alice = target.make_user("alice");
    Client bob = target.make_user("bob");
};

}  // namespace

CONFORMANCE_TEST(PresenceTest,
                 {.id = "cs/presence/what-is-set-is-what-is-got",
                  .place = kPutPresencePlace,
                  .text = "A user's presence and status message are as he has set them, and the "
                          "time of his last activity is about now."}) {
    const Response put = put_presence(
        alice, alice.user(), {{"presence", "unavailable"}, {"status_msg", "at lunch"}});

    ASSERT_TRUE(has_status(put, 200));
    EXPECT_EQ(put.body, Json::object());
    const Response got = alice.get(path_of(alice.user()));
    ASSERT_TRUE(has_status(got, 200));
    EXPECT_EQ(string_at(got.body, {"presence"}), "unavailable") << got;
    EXPECT_EQ(string_at(got.body, {"status_msg"}), "at lunch") << got;
    const Json& ago = got.at({"last_active_ago"});
    ASSERT_TRUE(ago.is_number_integer()) << got;
    EXPECT_GE(ago.get<std::int64_t>(), 0) << got;
    EXPECT_LT(ago.get<std::int64_t>(), 60'000) << got;
}

CONFORMANCE_TEST(PresenceTest,
                 {.id = "cs/presence/those-in-a-room-see-it",
                  .place = kPresencePlace,
                  .text = "Presence events are sent to users who share a room."}) {
    const RoomId room = alice.create_room();
    bob.join(room);
    const std::string since = bob.sync_token();

    ASSERT_TRUE(has_status(
        put_presence(alice, alice.user(), {{"presence", "online"}, {"status_msg", "here"}}), 200));

    const Response sync = bob.sync_until(
        [&](const Response& one) {
            return string_at(find_presence(one, alice.user()), {"content", "status_msg"}) == "here";
        },
        {.since = since});
    const Json& event = find_presence(sync, alice.user());
    EXPECT_EQ(string_at(event, {"type"}), "m.presence") << sync;
    EXPECT_EQ(string_at(event, {"content", "presence"}), "online") << sync;
    const Response got = bob.get(path_of(alice.user()));
    ASSERT_TRUE(has_status(got, 200));
    EXPECT_EQ(string_at(got.body, {"presence"}), "online") << got;
}

CONFORMANCE_TEST(PresenceTest,
                 {.id = "cs/presence/strangers-do-not",
                  .level = Level::Should,
                  .place = kGetPresencePlace,
                  .text = "Who shares no room with a user is not told of him: 403 or 404."}) {
    ASSERT_TRUE(has_status(put_presence(alice, alice.user(), {{"presence", "online"}}), 200));
    ASSERT_TRUE(has_status(alice.get(path_of(alice.user())), 200));

    const Response got = bob.get(path_of(alice.user()));

    EXPECT_TRUE(got.status == 403 || got.status == 404) << got;
}

CONFORMANCE_TEST(PresenceTest,
                 {.id = "cs/presence/of-another-user-is-not-set",
                  .place = kPutPresencePlace,
                  .text = "You cannot set the presence state of another user."}) {
    ASSERT_TRUE(has_status(
        put_presence(bob, bob.user(), {{"presence", "unavailable"}, {"status_msg", "mine"}}), 200));

    EXPECT_TRUE(put_presence(alice, bob.user(), {{"presence", "online"}}).is_error());

    EXPECT_EQ(string_at(bob.get(path_of(bob.user())).body, {"status_msg"}), "mine");
}

CONFORMANCE_TEST(PresenceTest,
                 {.id = "cs/presence/state-is-one-of-three",
                  .place = kPutPresencePlace,
                  .text = "`presence` is required, and one of online, offline, unavailable."}) {
    EXPECT_TRUE(has_status(put_presence(alice, alice.user(), {{"status_msg", "x"}}), 400));
    EXPECT_TRUE(has_status(put_presence(alice, alice.user(), {{"presence", "asleep"}}), 400));
    EXPECT_TRUE(has_status(put_presence(alice, alice.user(), {{"presence", 1}}), 400));
}

CONFORMANCE_TEST(PresenceTest,
                 {.id = "cs/presence/syncing-is-being-online",
                  .place = "client-server-api/#get_matrixclientv3sync",
                  .text = "A client is marked as online when it syncs without `set_presence`, and "
                          "is not with `set_presence=offline`."}) {
    ASSERT_TRUE(has_status(alice.get("/_matrix/client/v3/sync?set_presence=offline"), 200));
    EXPECT_NE(string_at(alice.get(path_of(alice.user())).body, {"presence"}), "online");

    ASSERT_TRUE(has_status(alice.get("/_matrix/client/v3/sync"), 200));

    EXPECT_TRUE(eventually(kDeadline, [&] {
        return string_at(alice.get(path_of(alice.user())).body, {"presence"}) == "online";
    }));
}

CONFORMANCE_TEST(PresenceTest,
                 {.id = "cs/presence/filter-leaves-it-out",
                  .place = "client-server-api/#filtering",
                  .text = "A filter for `presence` leaves out what it does not admit."}) {
    ASSERT_TRUE(has_status(
        put_presence(alice, alice.user(), {{"presence", "online"}, {"status_msg", "here"}}), 200));
    alice.sync_until(
        [&](const Response& one) { return !find_presence(one, alice.user()).is_null(); });

    const Response sync = alice.sync({.filter = R"({"presence":{"not_types":["m.presence"]}})"});

    ASSERT_TRUE(has_status(sync, 200));
    EXPECT_TRUE(find_presence(sync, alice.user()).is_null()) << sync;
}

}  // namespace matrix::conformance
