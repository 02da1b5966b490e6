// A user of the target invites a user of another server.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room

#include "conformance/server_server/shared_room.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kInvitingPlace = "server-server-api/#inviting-to-a-room";
constexpr std::string_view kInvitePath = "/_matrix/federation/v2/invite/";

class OutgoingInvite : public FederationTest {
protected:
    Response try_to_invite(const UserId& user) const {
        return alice.post(room_path(room, {"invite"}), {{"user_id", user.text()}});
    }

    const Client alice = target.make_user("alice");
    const UserId bob = peer.user("bob");
    const RoomId room = alice.create_room_of_version(room_version_here(target));
    const RoomRules& rules = *find_room_rules(room_version_here(target));
};

struct OlderServer {
    std::string_view name;
    int status;
};
constexpr OlderServer kOlderServers[] = {{"400", 400}, {"404", 404}};

}  // namespace

CONFORMANCE_TEST(OutgoingInvite,
                 {.id = "ss/outgoing_invite/is-brought-to-the-invited-server",
                  .place = "server-server-api/#put_matrixfederationv2inviteroomideventid",
                  .text = "The invited user's server gets the invite with the room's version.",
                  .rows = room_version_rows()}) {
    alice.invite(room, bob);

    const auto request = peer.wait_for_request("PUT", kInvitePath);

    ASSERT_TRUE(request);
    const Json body = request->json();
    EXPECT_EQ(string_at(body, {"room_version"}), room_version());
    const Pdu invite{at_path(body, {"event"}), &rules};
    EXPECT_EQ(request->segments().at(4), room.text());
    EXPECT_EQ(request->segments().at(5), invite.id().text());
    EXPECT_EQ(invite.sender(), alice.user());
    EXPECT_EQ(invite.state_key(), bob.text());
    EXPECT_EQ(string_at(invite.json, {"content", "membership"}), "invite");
}

CONFORMANCE_TEST(OutgoingInvite,
                 {.id = "ss/outgoing_invite/state-is-whole-events",
                  .place = "server-server-api/#put_matrixfederationv2inviteroomideventid",
                  .text = "`invite_room_state` contains the m.room.create event, and its events "
                          "are formatted as the room version has it.",
                  .since = "v1.16",
                  .rows = room_version_rows()}) {
    alice.invite(room, bob);

    const auto request = peer.wait_for_request("PUT", kInvitePath);

    ASSERT_TRUE(request);
    const Json body = request->json();
    const Json& state = at_path(body, {"invite_room_state"});
    EXPECT_FALSE(find_state_event(state, "m.room.create", "").is_null()) << state;
    ASSERT_TRUE(state.is_array()) << body;
    for (const Json& event : state) {
        for (const char* field : {"auth_events", "prev_events", "hashes", "signatures", "depth"}) {
            EXPECT_TRUE(event.contains(field)) << field << " of " << event;
        }
    }
}

CONFORMANCE_TEST(OutgoingInvite,
                 {.id = "ss/outgoing_invite/older-server-is-asked-by-v1",
                  .level = Level::Should,
                  .place = "server-server-api/#put_matrixfederationv2inviteroomideventid",
                  .text = "A server that gets 400 or 404 tries v1 in rooms of version 1 and 2, "
                          "with `invite_room_state` in the event's `unsigned`.",
                  .rows = rows_of(kOlderServers)}) {
    const RoomId old_room = alice.create_room_of_version("1");
    peer.on("PUT", std::string(kInvitePath), [&](const IncomingRequest&) {
        return respond_error(row_of(kOlderServers).status, "M_UNRECOGNIZED", "what is v2?");
    });

    alice.invite(old_room, bob);

    const auto request = peer.wait_for_request("PUT", "/_matrix/federation/v1/invite/");
    ASSERT_TRUE(request);
    EXPECT_EQ(string_at(request->json(), {"state_key"}), bob.text());
    EXPECT_TRUE(at_path(request->json(), {"unsigned", "invite_room_state"}).is_array());
    EXPECT_EQ(alice.membership(old_room, bob), "invite");
}

CONFORMANCE_TEST(OutgoingInvite,
                 {.id = "ss/outgoing_invite/is-in-the-room-with-both-signatures",
                  .place = kInvitingPlace,
                  .text = "The invite is signed by both servers, and then is an event of the room.",
                  .rows = room_version_rows()}) {
    alice.invite(room, bob);
    ASSERT_EQ(alice.membership(room, bob), "invite");

    const Response joined = peer.send_join(peer.sign(peer.join_template(room, "bob")));

    ASSERT_TRUE(has_status(joined, 200));
    const Json& invite = find_state_event(joined.at({"state"}), "m.room.member", bob.view());
    EXPECT_EQ(string_at(invite, {"content", "membership"}), "invite") << joined;
    EXPECT_TRUE(at_path(invite, {"signatures", target.server_name().view()}).is_object()) << invite;
    EXPECT_TRUE(at_path(invite, {"signatures", peer.name().view()}).is_object()) << invite;
}

CONFORMANCE_TEST(OutgoingInvite,
                 {.id = "ss/outgoing_invite/is-not-made-when-refused",
                  .place = kInvitingPlace,
                  .text = "Where the invited server does not sign, there is no invite."}) {
    ASSERT_TRUE(has_status(try_to_invite(bob), 200));
    peer.on("PUT", "/_matrix/federation/", [](const IncomingRequest&) {
        return respond_error(403, "M_FORBIDDEN", "no invites, please");
    });
    const UserId carol = peer.user("carol");

    const Response response = try_to_invite(carol);

    EXPECT_TRUE(response.is_error()) << response;
    EXPECT_EQ(alice.membership(room, carol), "");
}

CONFORMANCE_TEST(OutgoingInvite,
                 {.id = "ss/outgoing_invite/needs-a-signature-that-is-right",
                  .place = "server-server-api/#signing-events",
                  .text = "An invite that comes back without a good signature of the invited "
                          "server is not sent into the room."}) {
    ASSERT_TRUE(has_status(try_to_invite(bob), 200));
    const auto stranger = make_ed25519_signer(peer.signer().key_id(), std::string(32, 'x'));
    peer.on("PUT", kInvitePath.data(), [&](const IncomingRequest& request) {
        const Pdu invite{request.json().at("event"), &rules};
        return respond(200, {{"event", add_signature(invite, peer.name(), *stranger).json}});
    });
    const UserId carol = peer.user("carol");

    const Response response = try_to_invite(carol);

    EXPECT_TRUE(response.is_error()) << response;
    EXPECT_EQ(alice.membership(room, carol), "");
}

}  // namespace matrix::conformance
