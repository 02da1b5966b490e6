// Joining, inviting, leaving, kicking and banning.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#room-membership

#include "conformance/harness/conformance_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kMembershipPlace = "client-server-api/#room-membership";

Json on_user(const Client& user) {
    return {{"user_id", user.user().text()}};
}

// A public room of alice with bob in it, and carol beside.
class MembershipTest : public ClientTest {
protected:
    Client alice = target.make_user("alice");
    Client bob = target.make_user("bob");
    Client carol = target.make_user("carol");
    RoomId room = alice.create_room();

    Response act(const Client& actor, std::string_view action, const Client& on) const {
        return actor.post(room_path(room, {action}), on_user(on));
    }
};

struct PowerlessAction {
    std::string name;
    std::string text;
    std::string action;
};
const std::vector<PowerlessAction> kPowerlessActions = {
    {"kick", "Kicking needs the kick level.", "kick"},
    {"ban", "Banning needs the ban level.", "ban"},
};

}  // namespace

CONFORMANCE_TEST(MembershipTest,
                 {.id = "cs/joining/public-room-admits-anybody",
                  .place = "client-server-api/#post_matrixclientv3roomsroomidjoin",
                  .text = "Anybody can join a room whose join rule is public; the answer names the "
                          "room."}) {
    const Response response = bob.post(room_path(room, {"join"}));

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(string_at(response.body, {"room_id"}), room.text());
    EXPECT_EQ(alice.membership(room, bob.user()), "join");
}

CONFORMANCE_TEST(MembershipTest,
                 {.id = "cs/joining/by-id-or-alias-path",
                  .place = "client-server-api/#post_matrixclientv3joinroomidoralias",
                  .text = "/join/{roomIdOrAlias} joins the room with this id."}) {
    const Response response = bob.post("/_matrix/client/v3/join/" + escape(room.view()));

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(alice.membership(room, bob.user()), "join");
}

CONFORMANCE_TEST(
    ClientTest,
    {.id = "cs/joining/invite-only-room-refuses-others",
     .place = kMembershipPlace,
     .text = "A user who was not invited cannot join a room whose join rule is invite; "
             "an invited one can.",
     .rows = room_version_rows()}) {
    const Client alice = target.make_user("alice");
    const Client bob = target.make_user("bob");
    const Client carol = target.make_user("carol");
    const RoomId room = alice.create_room_of_version(room_version(), {{"preset", "private_chat"}});
    alice.invite(room, bob.user());
    ASSERT_TRUE(has_status(bob.post(room_path(room, {"join"})), 200));

    const Response response = carol.post(room_path(room, {"join"}));

    EXPECT_TRUE(is_error(response, 403, "M_FORBIDDEN"));
    EXPECT_NE(alice.membership(room, carol.user()), "join");
}

CONFORMANCE_TEST(MembershipTest,
                 {.id = "cs/joining/is-idempotent",
                  .level = Level::Should,
                  .place = "client-server-api/#post_matrixclientv3roomsroomidjoin",
                  .text = "Joining a room that the user is in already succeeds."}) {
    bob.join(room);

    EXPECT_TRUE(has_status(bob.post(room_path(room, {"join"})), 200));
}

CONFORMANCE_TEST(MembershipTest,
                 {.id = "cs/inviting/only-members-invite",
                  .place = "client-server-api/#post_matrixclientv3roomsroomidinvite",
                  .text = "A user who is not in the room cannot invite; a member can."}) {
    ASSERT_TRUE(has_status(act(alice, "invite", bob), 200));

    EXPECT_TRUE(is_error(act(carol, "invite", carol), 403, "M_FORBIDDEN"));
}

CONFORMANCE_TEST(MembershipTest,
                 {.id = "cs/inviting/a-joined-user-cannot-be-invited",
                  .place = "client-server-api/#post_matrixclientv3roomsroomidinvite",
                  .text = "An invite of a user who is in the room already is refused with 403."}) {
    ASSERT_TRUE(has_status(act(alice, "invite", carol), 200));
    bob.join(room);

    EXPECT_TRUE(is_error(act(alice, "invite", bob), 403, "M_FORBIDDEN"));
}

CONFORMANCE_TEST(MembershipTest,
                 {.id = "cs/inviting/missing-user-id-is-an-error",
                  .place = "client-server-api/#post_matrixclientv3roomsroomidinvite",
                  .text = "An invite without `user_id` is refused with 400."}) {
    ASSERT_TRUE(has_status(act(alice, "invite", bob), 200));

    EXPECT_TRUE(has_status(alice.post(room_path(room, {"invite"})), 400));
}

CONFORMANCE_TEST(MembershipTest,
                 {.id = "cs/leaving/ends-the-membership",
                  .place = "client-server-api/#post_matrixclientv3roomsroomidleave",
                  .text = "After leaving, the user is not in the room and cannot send."}) {
    bob.join(room);
    bob.send_message(room, "here");

    ASSERT_TRUE(has_status(bob.post(room_path(room, {"leave"})), 200));

    EXPECT_EQ(alice.membership(room, bob.user()), "leave");
    const Response sent =
        bob.put(room_path(room, {"send", "m.room.message", Client::make_transaction_id()}),
                {{"msgtype", "m.text"}, {"body", "gone"}});
    EXPECT_TRUE(is_error(sent, 403, "M_FORBIDDEN"));
}

CONFORMANCE_TEST(MembershipTest,
                 {.id = "cs/leaving/rejects-an-invite",
                  .place = "client-server-api/#post_matrixclientv3roomsroomidleave",
                  .text = "An invited user rejects the invite by leaving."}) {
    alice.invite(room, bob.user());

    ASSERT_TRUE(has_status(bob.post(room_path(room, {"leave"})), 200));

    EXPECT_EQ(alice.membership(room, bob.user()), "leave");
}

CONFORMANCE_TEST(MembershipTest,
                 {.id = "cs/kicking/removes-a-member",
                  .place = "client-server-api/#post_matrixclientv3roomsroomidkick",
                  .text = "A kicked user has left, and may join again."}) {
    bob.join(room);

    ASSERT_TRUE(has_status(act(alice, "kick", bob), 200));

    EXPECT_EQ(alice.membership(room, bob.user()), "leave");
    EXPECT_TRUE(has_status(bob.post(room_path(room, {"join"})), 200));
}

CONFORMANCE_TEST(MembershipTest,
                 {.id = "cs/moderation/needs-power",
                  .place = "client-server-api/#mroompower_levels",
                  .text = "A moderation action without the power for it is refused with 403.",
                  .rows = rows_of(kPowerlessActions)}) {
    const std::string& action = row_of(kPowerlessActions).action;
    bob.join(room);
    carol.join(room);

    EXPECT_TRUE(is_error(act(bob, action, carol), 403, "M_FORBIDDEN"));
    EXPECT_EQ(alice.membership(room, carol.user()), "join");
    EXPECT_TRUE(has_status(act(alice, action, carol), 200));
}

CONFORMANCE_TEST(MembershipTest,
                 {.id = "cs/banning/keeps-a-user-out",
                  .place = "client-server-api/#post_matrixclientv3roomsroomidban",
                  .text = "A banned user cannot join until unbanned."}) {
    bob.join(room);

    ASSERT_TRUE(has_status(act(alice, "ban", bob), 200));
    EXPECT_EQ(alice.membership(room, bob.user()), "ban");
    EXPECT_TRUE(is_error(bob.post(room_path(room, {"join"})), 403, "M_FORBIDDEN"));

    ASSERT_TRUE(has_status(act(alice, "unban", bob), 200));
    EXPECT_TRUE(has_status(bob.post(room_path(room, {"join"})), 200));
}

CONFORMANCE_TEST(MembershipTest,
                 {.id = "cs/banning/a-banned-user-cannot-be-invited",
                  .place = "client-server-api/#post_matrixclientv3roomsroomidinvite",
                  .text = "An invite of a banned user is refused with 403."}) {
    ASSERT_TRUE(has_status(act(alice, "invite", carol), 200));
    ASSERT_TRUE(has_status(act(alice, "ban", bob), 200));

    EXPECT_TRUE(is_error(act(alice, "invite", bob), 403, "M_FORBIDDEN"));
}

CONFORMANCE_TEST(MembershipTest,
                 {.id = "cs/banning/carries-the-reason",
                  .place = "client-server-api/#post_matrixclientv3roomsroomidban",
                  .text = "`reason` is the reason in the membership event."}) {
    Json body = on_user(bob);
    body["reason"] = "telling bad jokes";

    ASSERT_TRUE(has_status(alice.post(room_path(room, {"ban"}), body), 200));

    const Json member = alice.state(room, "m.room.member", bob.user().view());
    EXPECT_EQ(string_at(member, {"reason"}), "telling bad jokes") << member;
}

CONFORMANCE_TEST(
    MembershipTest,
    {.id = "cs/list_joined_rooms/lists-what-one-is-in",
     .place = "client-server-api/#get_matrixclientv3joined_rooms",
     .text = "joined_rooms lists the rooms that the user is joined to, and no others."}) {
    const RoomId other = alice.create_room();
    bob.join(room);
    bob.join(other);
    bob.leave(other);

    const Response response = bob.get("/_matrix/client/v3/joined_rooms");

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(response.at({"joined_rooms"}), Json::array({room.text()})) << response;
}

}  // namespace matrix::conformance
