// Typing notifications between servers.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#typing-notifications

#include <algorithm>

#include "conformance/server_server/shared_room.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kTypingEduPlace = "server-server-api/#typing-notifications";

class TypingEdu : public TargetRoomTest {
protected:
    Response put_typing(bool is_typing) const {
        return alice.put(room_path(room, {"typing", alice.user().view()}),
                         {{"typing", is_typing}, {"timeout", 30'000}});
    }
    Json typing_of(const UserId& user, bool is_typing) const {
        return {{"edu_type", "m.typing"},
                {"content",
                 {{"room_id", room.text()}, {"user_id", user.text()}, {"typing", is_typing}}}};
    }
    bool is_shown(const Response& sync, const UserId& user) const {
        const Json& users =
            at_path(ephemeral_event(sync, room, "m.typing"), {"content", "user_ids"});
        return users.is_array() && std::ranges::find(users, Json(user.text())) != users.end();
    }
    Response sync_until_typing(const UserId& user) const {
        return alice.sync_until([&](const Response& sync) { return is_shown(sync, user); });
    }
};

}  // namespace

CONFORMANCE_TEST(TypingEdu,
                 {.id = "ss/edu_typing/other-servers-are-told",
                  .place = kTypingEduPlace,
                  .text = "Typing notifications of a server's users are sent to the other servers "
                          "in the room, when they begin and when they end."}) {
    const auto is_alices = [&](bool is_typing) {
        return [this, is_typing](const Json& content) {
            return string_at(content, {"room_id"}) == room.text() &&
                   string_at(content, {"user_id"}) == alice.user().text() &&
                   at_path(content, {"typing"}) == Json(is_typing);
        };
    };

    ASSERT_TRUE(has_status(put_typing(true), 200));
    EXPECT_TRUE(peer.wait_for_edu("m.typing", is_alices(true))) << "no EDU that she types";

    ASSERT_TRUE(has_status(put_typing(false), 200));
    EXPECT_TRUE(peer.wait_for_edu("m.typing", is_alices(false))) << "no EDU that she has stopped";
}

CONFORMANCE_TEST(TypingEdu,
                 {.id = "ss/edu_typing/clients-see-users-of-other-servers",
                  .place = kTypingEduPlace,
                  .text = "Users of a server are aware of who types on other servers, and of who "
                          "stops."}) {
    ASSERT_TRUE(has_status(peer.send_transaction({}, Json::array({typing_of(bob, true)})), 200));
    const Response sync = sync_until_typing(bob);

    ASSERT_TRUE(has_status(peer.send_transaction({}, Json::array({typing_of(bob, false)})), 200));

    alice.sync_until(
        [&](const Response& next) {
            return !ephemeral_event(next, room, "m.typing").is_null() && !is_shown(next, bob);
        },
        {.since = string_at(sync.body, {"next_batch"})});
}

// security-cases.tsv 31, of m.typing
CONFORMANCE_TEST(TypingEdu,
                 {.id = "ss/edu_typing/user-must-be-of-the-sending-server",
                  .level = Level::Should,
                  .place = kTypingEduPlace,
                  .text = "Receiving servers should verify that the user is in the room, and is a "
                          "user belonging to the sending server."}) {
    const Client carol = target.make_user("carol");
    carol.join(room);
    const UserId stranger = peer.user("stranger");

    ASSERT_TRUE(has_status(peer.send_transaction({},
                                                 Json::array({typing_of(carol.user(), true),
                                                              typing_of(stranger, true),
                                                              typing_of(bob, true)})),
                           200));

    const Response sync = sync_until_typing(bob);
    EXPECT_FALSE(is_shown(sync, carol.user())) << sync;
    EXPECT_FALSE(is_shown(sync, stranger)) << sync;
}

CONFORMANCE_TEST(TypingEdu,
                 {.id = "ss/edu_typing/denied-server-s-are-ignored",
                  .place = "server-server-api/#server-access-control-lists-acls",
                  .text = "If the sending server is denied access to the room, its m.typing EDU "
                          "MUST be ignored."}) {
    const auto name = split_server_name(peer.name());
    alice.send_state(room,
                     "m.room.server_acl",
                     "",
                     {{"allow", {"*"}}, {"allow_ip_literals", true}, {"deny", {name->host}}});

    ASSERT_TRUE(has_status(peer.send_transaction({}, Json::array({typing_of(bob, true)})), 200));

    ASSERT_TRUE(has_status(put_typing(true), 200));
    const Response marker = sync_until_typing(alice.user());
    EXPECT_FALSE(is_shown(marker, bob)) << marker;
}

CONFORMANCE_TEST(TypingEdu,
                 {.id = "ss/edu_typing/bad-edu-costs-no-other",
                  .place = "server-server-api/#edus",
                  .text = "An EDU that makes no sense costs those beside it nothing."}) {
    const Json bad = Json::array(
        {nullptr,
         "text",
         {{"edu_type", "m.typing"}},
         {{"edu_type", "m.typing"}, {"content", Json::array()}},
         {{"edu_type", "m.typing"}, {"content", {{"room_id", 1}, {"user_id", nullptr}}}},
         typing_of(bob, true)});

    ASSERT_TRUE(has_status(peer.send_transaction({}, bad), 200));

    sync_until_typing(bob);
}

}  // namespace matrix::conformance
