// Asking a resident server for the template of a join.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1make_joinroomiduserid

#include "conformance/harness/federation_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kMakeJoinPlace =
    "server-server-api/#get_matrixfederationv1make_joinroomiduserid";

// A public room on the target.
class MakeJoin : public FederationTest {
protected:
    const RoomId room = target.create_public_room();
    const UserId bob = peer.user("bob");
};

}  // namespace

CONFORMANCE_TEST(MakeJoin,
                 {.id = "ss/make_join/gives-a-template-of-the-join",
                  .place = kMakeJoinPlace,
                  .text = "The template is a join of the user in the room."}) {
    const Response response = peer.make_join(room, bob);

    ASSERT_TRUE(has_status(response, 200));
    const Json& event = response.at({"event"});
    EXPECT_EQ(string_at(event, {"type"}), "m.room.member");
    EXPECT_EQ(string_at(event, {"room_id"}), room.text());
    EXPECT_EQ(string_at(event, {"sender"}), bob.text());
    EXPECT_EQ(string_at(event, {"state_key"}), bob.text());
    EXPECT_EQ(string_at(event, {"content", "membership"}), "join");
}

CONFORMANCE_TEST(MakeJoin,
                 {.id = "ss/make_join/refuses-a-user-of-another-server",
                  .place = kMakeJoinPlace,
                  .text = "The user is one of the server that asks: the domain of the user id is "
                          "the origin."}) {
    ASSERT_TRUE(has_status(peer.make_join(room, bob), 200));

    const Response response = peer.make_join(room, UserId("@bob:elsewhere.example"));

    EXPECT_TRUE(is_error(response, 403, "M_FORBIDDEN"));
}

CONFORMANCE_TEST(MakeJoin,
                 {.id = "ss/make_join/needs-a-signature-that-is-right",
                  .place = "server-server-api/#request-authentication",
                  .text = "A request whose signature is not of the origin's key is refused."}) {
    ASSERT_TRUE(has_status(peer.make_join(room, bob), 200));
    const auto stranger = make_ed25519_signer(peer.signer().key_id(), std::string(32, 'x'));

    const Response response =
        peer.get("/_matrix/federation/v1/make_join/" + escape(room.view()) + "/" +
                     escape(bob.view()) + "?ver=" + escape(target.default_room_version()),
                 {.signer = stranger.get()});

    EXPECT_TRUE(is_error(response, 401, "M_UNAUTHORIZED"));
}

CONFORMANCE_TEST(MakeJoin,
                 {.id = "ss/make_join/tells-the-room-version",
                  .place = kMakeJoinPlace,
                  .text = "`room_version` is the version of the room.",
                  .rows = room_version_rows()}) {
    const RoomId versioned = target.create_public_room(room_version());

    const Response response = peer.make_join(versioned, bob, {room_version()});

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(string_at(response.body, {"room_version"}), room_version());
}

CONFORMANCE_TEST(MakeJoin,
                 {.id = "ss/make_join/refuses-a-server-without-the-room-version",
                  .place = kMakeJoinPlace,
                  .text = "A room whose version is not among `ver` is refused with "
                          "M_INCOMPATIBLE_ROOM_VERSION, and its version is told."}) {
    const std::string version = target.default_room_version();
    ASSERT_TRUE(has_status(peer.make_join(room, bob, {"org.example.other", version}), 200));

    const Response response = peer.make_join(room, bob, {"org.example.other"});

    EXPECT_TRUE(is_error(response, 400, "M_INCOMPATIBLE_ROOM_VERSION"));
    EXPECT_EQ(string_at(response.body, {"room_version"}), version) << response;
}

CONFORMANCE_TEST(MakeJoin,
                 {.id = "ss/make_join/unknown-room-is-404",
                  .place = kMakeJoinPlace,
                  .text = "A room that is unknown to the server is 404 M_NOT_FOUND."}) {
    ASSERT_TRUE(has_status(peer.make_join(room, bob), 200));

    const Response response =
        peer.make_join(RoomId("!unknown:" + target.server_name().text()), bob);

    EXPECT_TRUE(is_error(response, 404, "M_NOT_FOUND"));
}

CONFORMANCE_TEST(MakeJoin,
                 {.id = "ss/make_join/refuses-a-banned-user",
                  .place = kMakeJoinPlace,
                  .text = "A user whom the room does not permit to join is refused with 403 "
                          "M_FORBIDDEN: one who is banned."}) {
    const Client alice = target.make_user("alice");
    const RoomId banning = alice.create_room();
    alice.ban(banning, peer.user("mallory"));
    ASSERT_TRUE(has_status(peer.make_join(banning, bob), 200));

    const Response response = peer.make_join(banning, peer.user("mallory"));

    EXPECT_TRUE(is_error(response, 403, "M_FORBIDDEN"));
}

CONFORMANCE_TEST(MakeJoin,
                 {.id = "ss/make_join/refuses-who-is-not-invited",
                  .place = kMakeJoinPlace,
                  .text = "A user whom the room does not permit to join is refused with 403 "
                          "M_FORBIDDEN: one who is not invited, where that is needed."}) {
    const Client alice = target.make_user("alice");
    const RoomId by_invite = alice.create_room({{"preset", "private_chat"}});
    alice.invite(by_invite, bob);
    ASSERT_TRUE(has_status(peer.make_join(by_invite, bob), 200));

    const Response response = peer.make_join(by_invite, peer.user("carol"));

    EXPECT_TRUE(is_error(response, 403, "M_FORBIDDEN"));
}

}  // namespace matrix::conformance
