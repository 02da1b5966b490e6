// Presence between servers.
//
// Servers may leave presence out altogether; those that take part in it are judged.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#presence

#include "conformance/server_server/shared_room.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kPresenceEduPlace = "server-server-api/#presence";

class PresenceEdu : public TargetRoomTest {
protected:
    static Json presence_of(const UserId& user, std::string_view message) {
        return {{"edu_type", "m.presence"},
                {"content",
                 {{"push",
                   Json::array({{{"user_id", user.text()},
                                 {"presence", "online"},
                                 {"status_msg", message},
                                 {"last_active_ago", 5000},
                                 {"currently_active", true}}})}}}};
    }
    Response put_presence(const Client& client, std::string_view message) const {
        return client.put("/_matrix/client/v3/presence/" + escape(client.user().view()) + "/status",
                          {{"presence", "online"}, {"status_msg", message}});
    }
    static bool is_shown(const Response& sync, const UserId& user, std::string_view message) {
        for (const Json& event : sync.at({"presence", "events"})) {
            if (string_at(event, {"sender"}) == user.text() &&
                string_at(event, {"content", "status_msg"}) == message) {
                return true;
            }
        }
        return false;
    }
};

const Json& find_update(const Json& content, const UserId& user, std::string_view message) {
    static const Json nothing;
    for (const Json& update : at_path(content, {"push"})) {
        if (string_at(update, {"user_id"}) == user.text() &&
            string_at(update, {"status_msg"}) == message) {
            return update;
        }
    }
    return nothing;
}

}  // namespace

CONFORMANCE_TEST(PresenceEdu,
                 {.id = "ss/edu_presence/other-servers-are-told",
                  .level = Level::Should,
                  .place = kPresenceEduPlace,
                  .text = "Presence updates are sent to servers that share a room with the user, "
                          "with the time since he was active."}) {
    ASSERT_TRUE(has_status(put_presence(alice, "over here"), 200));

    const auto content = peer.wait_for_edu("m.presence", [&](const Json& one) {
        return find_update(one, alice.user(), "over here").is_object();
    });

    ASSERT_TRUE(content) << "no m.presence EDU";
    const Json& update = find_update(*content, alice.user(), "over here");
    EXPECT_EQ(string_at(update, {"presence"}), "online") << update;
    EXPECT_TRUE(at_path(update, {"last_active_ago"}).is_number_integer()) << update;
}

CONFORMANCE_TEST(PresenceEdu,
                 {.id = "ss/edu_presence/servers-of-no-shared-room-are-not",
                  .level = Level::Should,
                  .place = kPresenceEduPlace,
                  .text = "Servers should only send presence updates for users that the receiving "
                          "server would be interested in."}) {
    const Client carol = target.make_user("carol");
    ASSERT_TRUE(has_status(put_presence(carol, "alone"), 200));
    ASSERT_TRUE(has_status(put_presence(alice, "over here"), 200));

    const auto marker = peer.wait_for_edu("m.presence", [&](const Json& one) {
        return find_update(one, alice.user(), "over here").is_object();
    });

    ASSERT_TRUE(marker) << "no m.presence EDU";
    for (const Json& content : peer.received_edus("m.presence")) {
        EXPECT_EQ(content.dump().find(carol.user().text()), std::string::npos) << content;
    }
}

CONFORMANCE_TEST(PresenceEdu,
                 {.id = "ss/edu_presence/clients-see-users-of-other-servers",
                  .level = Level::Should,
                  .place = kPresenceEduPlace,
                  .text = "Users see the presence of those on other servers with whom they share "
                          "a room."}) {
    ASSERT_TRUE(
        has_status(peer.send_transaction({}, Json::array({presence_of(bob, "over there")})), 200));

    alice.sync_until([&](const Response& sync) { return is_shown(sync, bob, "over there"); });
}

// security-cases.tsv 31, of m.presence
CONFORMANCE_TEST(PresenceEdu,
                 {.id = "ss/edu_presence/user-must-be-of-the-sending-server",
                  .place = kPresenceEduPlace,
                  .text = "The EDU is of presence updates for users of the sending homeserver: "
                          "others are not taken."}) {
    const Client carol = target.make_user("carol");
    carol.join(room);
    ASSERT_TRUE(has_status(put_presence(carol, "mine"), 200));
    const std::string since = alice.sync_token();

    ASSERT_TRUE(has_status(
        peer.send_transaction(
            {}, Json::array({presence_of(carol.user(), "forged"), presence_of(bob, "true")})),
        200));

    const EventId marker = alice.send_message(room, "marker");
    const Response sync = alice.sync_until(
        [&](const Response& one) { return !find_event(timeline_of(one, room), marker).is_null(); },
        {.since = since});
    EXPECT_FALSE(is_shown(sync, carol.user(), "forged")) << sync;
    const Response got =
        alice.get("/_matrix/client/v3/presence/" + escape(carol.user().view()) + "/status");
    EXPECT_NE(string_at(got.body, {"status_msg"}), "forged") << got;
}

}  // namespace matrix::conformance
