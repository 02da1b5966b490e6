// Leaving a room through a resident server, and refusing an invite.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#leaving-rooms-rejecting-invites

#include "conformance/server_server/shared_room.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kMakeLeavePlace =
    "server-server-api/#get_matrixfederationv1make_leaveroomiduserid";
constexpr std::string_view kSendLeavePlace =
    "server-server-api/#put_matrixfederationv2send_leaveroomideventid";

class RemoteLeave : public TargetRoomTest {
protected:
    // The leave of a user of the peer, complete but for its signature.
    Pdu draft_leave(const UserId& user) {
        const Response response = peer.make_leave(room, user);
        expect_step("asking for a leave", response);
        Pdu leave{response.at({"event"}), &copy.rules()};
        leave["origin_server_ts"] = copy.draft_member(user, user, "leave")["origin_server_ts"];
        return leave;
    }
};

struct BadLeave {
    std::string_view name;
    std::string_view text;
    void (*change)(Pdu& leave, const Peer& peer);
};
const BadLeave kBadLeaves[] = {
    {"type",
     "The type of the event is m.room.member.",
     [](Pdu& leave, const Peer&) { leave["type"] = "m.room.message"; }},
    {"membership",
     "The `membership` of the event is `leave`.",
     [](Pdu& leave, const Peer&) { leave["content"]["membership"] = "join"; }},
    {"sender",
     "The sender is a user of the origin.",
     [](Pdu& leave, const Peer&) {
         leave["sender"] = "@bob:elsewhere.example";
         leave["state_key"] = "@bob:elsewhere.example";
     }},
    {"state_key",
     "The `state_key` is equal to the sender.",
     [](Pdu& leave, const Peer& peer) { leave["state_key"] = peer.user("dave").text(); }},
};

}  // namespace

CONFORMANCE_TEST(RemoteLeave,
                 {.id = "ss/make_leave/gives-a-template-of-the-leave",
                  .place = kMakeLeavePlace,
                  .text = "The template is a leave of the user in the room."}) {
    const Response response = peer.make_leave(room, bob);

    ASSERT_TRUE(has_status(response, 200));
    const Json& event = response.at({"event"});
    EXPECT_EQ(string_at(event, {"type"}), "m.room.member");
    EXPECT_EQ(string_at(event, {"room_id"}), room.text());
    EXPECT_EQ(string_at(event, {"sender"}), bob.text());
    EXPECT_EQ(string_at(event, {"state_key"}), bob.text());
    EXPECT_EQ(string_at(event, {"content", "membership"}), "leave");
    EXPECT_EQ(string_at(response.body, {"room_version"}), copy.version());
}

CONFORMANCE_TEST(RemoteLeave,
                 {.id = "ss/make_leave/refuses-who-is-not-in-the-room",
                  .place = kMakeLeavePlace,
                  .text = "A request that is not authorised, because the user is not in the room, "
                          "is refused with 403 M_FORBIDDEN."}) {
    ASSERT_TRUE(has_status(peer.make_leave(room, bob), 200));

    const Response response = peer.make_leave(room, peer.user("stranger"));

    EXPECT_TRUE(is_error(response, 403, "M_FORBIDDEN"));
}

CONFORMANCE_TEST(RemoteLeave,
                 {.id = "ss/make_leave/refuses-a-user-of-another-server",
                  .place = kMakeLeavePlace,
                  .text = "The user is one of the server that asks."}) {
    ASSERT_TRUE(has_status(peer.make_leave(room, bob), 200));

    const Response response = peer.make_leave(room, alice.user());

    EXPECT_TRUE(is_error(response, 403, "M_FORBIDDEN"));
}

CONFORMANCE_TEST(RemoteLeave,
                 {.id = "ss/send_leave/takes-the-user-out-of-the-room",
                  .place = kSendLeavePlace,
                  .text = "The resident server accepts the leave into the room's graph.",
                  .rows = room_version_rows()}) {
    const Pdu leave = peer.sign(draft_leave(bob));

    ASSERT_TRUE(has_status(peer.send_leave(leave), 200));

    alice.sync_until_event(room, leave.id());
    EXPECT_EQ(alice.membership(room, bob), "leave");
}

CONFORMANCE_TEST(RemoteLeave,
                 {.id = "ss/send_leave/refuses-another-event",
                  .place = kSendLeavePlace,
                  .text = "An event that is no leave of a user of the origin is refused.",
                  .rows = rows_of(kBadLeaves)}) {
    const UserId carol = peer.user("carol");
    ASSERT_TRUE(has_status(peer.send_join(peer.sign(peer.join_template(room, "carol"))), 200));
    Pdu bad = draft_leave(carol);
    ASSERT_TRUE(has_status(peer.send_leave(peer.sign(draft_leave(bob))), 200));
    row_of(kBadLeaves).change(bad, peer);
    bad = peer.sign(bad);

    expect_refused_as_invalid(peer.send_leave(bad));

    EXPECT_EQ(alice.membership(room, carol), "join");
    EXPECT_TRUE(alice.get(room_path(room, {"event", bad.id().view()})).is_error());
}

CONFORMANCE_TEST(RemoteLeave,
                 {.id = "ss/send_leave/refuses-a-leave-that-is-wrongly-signed",
                  .place = kSendLeavePlace,
                  .text = "A leave that fails the signature check is refused."}) {
    ASSERT_TRUE(has_status(peer.send_join(peer.sign(peer.join_template(room, "carol"))), 200));
    const Pdu draft = draft_leave(bob);
    ASSERT_TRUE(has_status(peer.send_leave(peer.sign(draft_leave(peer.user("carol")))), 200));
    const auto stranger = make_ed25519_signer(peer.signer().key_id(), std::string(32, 'x'));

    expect_refused_as_invalid(peer.send_leave(sign_pdu(draft, peer.name(), *stranger)));

    EXPECT_EQ(alice.membership(room, bob), "join");
}

CONFORMANCE_TEST(FederationTest,
                 {.id = "ss/remote_leave/rejects-an-invite-by-the-handshake",
                  .place = "server-server-api/#leaving-rooms-rejecting-invites",
                  .text = "A user who leaves a room of another server, in which the server is not, "
                          "rejects the invite by /make_leave and /send_leave.",
                  .rows = room_version_rows()}) {
    const Client alice = target.make_user("alice");
    PeerRoom& room = peer.create_room({.version = room_version(), .join_rule = "invite"});
    const Pdu invite = peer.sign(room.draft_member(peer.user("creator"), alice.user(), "invite"));
    expect_step("the invite", peer.send_invite(invite, to_json(room.current_state())));
    room.add(invite);

    alice.leave(room.id());

    EXPECT_TRUE(peer.wait_for_request("PUT", "/_matrix/federation/v2/send_leave/"));
    EXPECT_EQ(room.membership(alice.user()), "leave") << "as the peer knows it";
}

}  // namespace matrix::conformance
