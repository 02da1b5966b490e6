// Another server invites a user of the target.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2inviteroomideventid

#include "conformance/server_server/shared_room.h"
#include "refserver/protocol/server_keys.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kInvitePlace =
    "server-server-api/#put_matrixfederationv2inviteroomideventid";

class RemoteInvite : public FederationTest {
protected:
    Pdu draft_invite(const UserId& user) const {
        return room.draft_member(creator, user, "invite");
    }
    Response send_invite(const Pdu& invite) {
        return peer.send_invite(invite, to_json(room.current_state()));
    }
    Response send_body(const Pdu& invite, const Json& body) {
        return peer.put("/_matrix/federation/v2/invite/" + escape(room.id().view()) + "/" +
                            escape(invite.id().view()),
                        body);
    }

    const Client alice = target.make_user("alice");
    const Client carol = target.make_user("carol");
    const UserId creator = peer.user("creator");
    PeerRoom& room =
        peer.create_room({.version = room_version_here(target), .join_rule = "invite"});
};

struct BadInvite {
    std::string_view name;
    std::string_view text;
    void (*change)(Pdu& invite, const Peer& peer);
};
const BadInvite kBadInvites[] = {
    {"type",
     "The type of the event is m.room.member.",
     [](Pdu& invite, const Peer&) { invite["type"] = "m.room.power_levels"; }},
    {"membership",
     "The `membership` of the event is `invite`.",
     [](Pdu& invite, const Peer&) { invite["content"]["membership"] = "ban"; }},
    {"sender",
     "The sender is a user of the origin.",
     [](Pdu& invite, const Peer&) { invite["sender"] = "@creator:elsewhere.example"; }},
    {"state_key",
     "The `state_key` is a user of the receiving server.",
     [](Pdu& invite, const Peer& peer) { invite["state_key"] = peer.user("dave").text(); }},
};

struct MalformedState {
    std::string_view name;
    std::string_view json;
};
constexpr MalformedState kMalformedStates[] = {
    {"null", "null"},
    {"number", "7"},
    {"object", "{}"},
    {"numbers", "[1, 2]"},
    {"empty_events", "[{}]"},
    {"wrong_types", R"([{"type": 1, "state_key": null, "sender": [], "content": "x"}])"},
    {"wrong_content",
     R"([{"type": "m.room.name", "state_key": "", "sender": "@a:b", "content": null}])"},
};

const Json& invite_state_of(const Response& sync, const RoomId& room) {
    return sync.at({"rooms", "invite", room.view(), "invite_state", "events"});
}

}  // namespace

CONFORMANCE_TEST(RemoteInvite,
                 {.id = "ss/invite/is-signed-and-given-back",
                  .place = kInvitePlace,
                  .text = "The answer is the event with the invited server's signature added; all "
                          "else is untouched.",
                  .rows = room_version_rows()}) {
    const Pdu invite = peer.sign(draft_invite(alice.user()));

    const Response response = send_invite(invite);

    ASSERT_TRUE(has_status(response, 200));
    Json event = response.at({"event"});
    const Response published = peer.send_unsigned({.target = "/_matrix/key/v2/server"});
    const auto keys = parse_server_keys(to_protocol_object(published.body), ed25519_verifier());
    ASSERT_TRUE(keys) << published;
    EXPECT_EQ(check_event_signatures(to_protocol_object(event),
                                     target.server_name(),
                                     keys->keys,
                                     invite.json["origin_server_ts"].get<std::int64_t>(),
                                     room.rules(),
                                     ed25519_verifier()),
              SignatureVerdict::Valid)
        << response;
    EXPECT_EQ(at_path(event, {"signatures", peer.name().view()}),
              at_path(invite.json, {"signatures", peer.name().view()}));
    Json expected = invite.json;
    for (const char* field : {"signatures", "unsigned"}) {
        event.erase(field);
        expected.erase(field);
    }
    EXPECT_EQ(event, expected) << response;
}

CONFORMANCE_TEST(RemoteInvite,
                 {.id = "ss/invite/is-shown-to-the-user",
                  .place = "client-server-api/#get_matrixclientv3sync",
                  .text = "The invited user's sync has the invite, with the state that came with "
                          "it in stripped form.",
                  .rows = room_version_rows()}) {
    peer.append(room, creator, "m.room.name", {{"name", "the party"}}, "");
    const Pdu invite = peer.sign(draft_invite(alice.user()));

    ASSERT_TRUE(has_status(send_invite(invite), 200));

    const Response sync = alice.sync_until(
        [&](const Response& response) { return !invite_state_of(response, room.id()).is_null(); });
    const Json& events = invite_state_of(sync, room.id());
    const Json& member = find_state_event(events, "m.room.member", alice.user().view());
    EXPECT_EQ(string_at(member, {"content", "membership"}), "invite") << sync;
    EXPECT_EQ(string_at(member, {"sender"}), creator.text()) << sync;
    const Json& name = find_state_event(events, "m.room.name", "");
    EXPECT_EQ(string_at(name, {"content", "name"}), "the party") << sync;
    EXPECT_FALSE(name.contains("signatures")) << "this is no stripped state: " << name;
}

CONFORMANCE_TEST(RemoteInvite,
                 {.id = "ss/invite/lets-the-user-join",
                  .place = "server-server-api/#inviting-to-a-room",
                  .text = "A user who was invited over federation joins a room that needs it.",
                  .rows = room_version_rows()}) {
    const Pdu invite = peer.sign(draft_invite(alice.user()));
    ASSERT_TRUE(has_status(send_invite(invite), 200));
    room.add(invite);

    alice.join(room.id(), peer.name().view());

    EXPECT_EQ(alice.membership(room.id(), alice.user()), "join");
    EXPECT_EQ(room.membership(alice.user()), "join") << "as the peer knows it";
}

CONFORMANCE_TEST(RemoteInvite,
                 {.id = "ss/invite/malformed-state-harms-no-sync",
                  .place = "client-server-api/#get_matrixclientv3sync",
                  .text = "Whatever came as `invite_room_state`, the user syncs on "
                          "(security-cases.tsv 69).",
                  .rows = rows_of(kMalformedStates)}) {
    ASSERT_TRUE(has_status(send_invite(peer.sign(draft_invite(carol.user()))), 200));
    const Pdu invite = peer.sign(draft_invite(alice.user()));
    Json body = {{"room_version", room.version()}, {"event", invite.json}};
    body["invite_room_state"] = Json::parse(row_of(kMalformedStates).json);

    const Response answer = send_body(invite, body);

    EXPECT_LT(answer.status, 500) << answer;
    const RoomId own = alice.create_room();
    alice.sync_until_event(own, alice.send_message(own, "still here"));
    EXPECT_TRUE(has_status(alice.sync(), 200));
}

CONFORMANCE_TEST(RemoteInvite,
                 {.id = "ss/invite/taken-back-reaches-the-user",
                  .level = Level::Should,
                  .place = "client-server-api/#leaving-rooms",
                  .text = "An invite that the inviter takes back, by a leave in a transaction, is "
                          "no longer shown to the user.",
                  .rows = room_version_rows()}) {
    const Pdu invite = peer.sign(draft_invite(alice.user()));
    ASSERT_TRUE(has_status(send_invite(invite), 200));
    room.add(invite);
    alice.sync_until(
        [&](const Response& sync) { return !invite_state_of(sync, room.id()).is_null(); });
    const Pdu rescission =
        peer.append(room, creator, "m.room.member", {{"membership", "leave"}}, alice.user().text());

    EXPECT_TRUE(is_accepted(peer.send_transaction({rescission}), rescission.id()));

    alice.sync_until(
        [&](const Response& sync) { return invite_state_of(sync, room.id()).is_null(); });
}

CONFORMANCE_TEST(RemoteInvite,
                 {.id = "ss/invite/is-not-ended-by-strangers",
                  .level = Level::Should,
                  .place = "client-server-api/#leaving-rooms",
                  .text = "A leave by a user of a server that knows nothing of the invite does not "
                          "take it back.",
                  .needs = {Capability::SeveralPeers}}) {
    const Pdu invite = peer.sign(draft_invite(alice.user()));
    ASSERT_TRUE(has_status(send_invite(invite), 200));
    room.add(invite);
    const auto stranger = make_peer();
    Pdu leave = room.draft(
        stranger->user("eve"), "m.room.member", {{"membership", "leave"}}, alice.user().text());
    leave["auth_events"] = Json::array();

    stranger->send_transaction({stranger->sign(leave)});

    const Response sync = alice.sync();
    EXPECT_FALSE(invite_state_of(sync, room.id()).is_null()) << sync;
}

CONFORMANCE_TEST(RemoteInvite,
                 {.id = "ss/invite/signs-nothing-else",
                  .place = kInvitePlace,
                  .text = "An event that is no invite of a local user by a user of the origin is "
                          "not signed.",
                  .rows = rows_of(kBadInvites)}) {
    ASSERT_TRUE(has_status(send_invite(peer.sign(draft_invite(carol.user()))), 200));
    Pdu bad = draft_invite(alice.user());
    row_of(kBadInvites).change(bad, peer);

    expect_refused_as_invalid(send_invite(peer.sign(bad)));
}

CONFORMANCE_TEST(RemoteInvite,
                 {.id = "ss/invite/needs-the-inviting-server-s-signature",
                  .place = kInvitePlace,
                  .text = "An invite that fails the signature check is refused."}) {
    ASSERT_TRUE(has_status(send_invite(peer.sign(draft_invite(carol.user()))), 200));
    const auto stranger = make_ed25519_signer(peer.signer().key_id(), std::string(32, 'x'));

    expect_refused_as_invalid(
        send_invite(sign_pdu(draft_invite(alice.user()), peer.name(), *stranger)));
}

CONFORMANCE_TEST(RemoteInvite,
                 {.id = "ss/invite/unknown-user-is-refused",
                  .level = Level::Should,
                  .place = kInvitePlace,
                  .text = "An invite of a local user who does not exist is refused."}) {
    ASSERT_TRUE(has_status(send_invite(peer.sign(draft_invite(carol.user()))), 200));
    const UserId nobody("@nobody-is-here:" + target.server_name().text());

    const Response response = send_invite(peer.sign(draft_invite(nobody)));

    EXPECT_TRUE(response.is_error()) << response;
}

CONFORMANCE_TEST(RemoteInvite,
                 {.id = "ss/invite/unknown-room-version-is-refused",
                  .place = kInvitePlace,
                  .text = "An invite to a room of a version that the server does not know is "
                          "refused with 400 M_INCOMPATIBLE_ROOM_VERSION."}) {
    const Pdu invite = peer.sign(draft_invite(alice.user()));
    Json body = {{"room_version", room.version()},
                 {"event", invite.json},
                 {"invite_room_state", to_json(room.current_state())}};
    ASSERT_TRUE(has_status(send_body(invite, body), 200));
    body["room_version"] = "org.example.other";

    const Response response = send_body(invite, body);

    EXPECT_TRUE(is_error(response, 400, "M_INCOMPATIBLE_ROOM_VERSION"));
}

CONFORMANCE_TEST(RemoteInvite,
                 {.id = "ss/invite/state-has-the-create-event",
                  .level = Level::Should,
                  .place = kInvitePlace,
                  .text = "From room version 12 on, an invite whose `invite_room_state` has no "
                          "m.room.create is refused.",
                  .rows = room_version_rows({"12"})}) {
    ASSERT_TRUE(has_status(send_invite(peer.sign(draft_invite(carol.user()))), 200));
    std::vector<Pdu> state = room.current_state();
    std::erase_if(state, [](const Pdu& event) { return event.type() == "m.room.create"; });

    const Response response =
        peer.send_invite(peer.sign(draft_invite(alice.user())), to_json(state));

    EXPECT_TRUE(is_error(response, "M_INVALID_PARAM"));
}

namespace {

constexpr std::string_view kInviteV1Place =
    "server-server-api/#put_matrixfederationv1inviteroomideventid";

// The first version of the endpoint: of rooms of the versions 1 and 2 alone.
class InviteV1 : public FederationTest {
protected:
    Response send_invite_v1(const Pdu& invite) {
        Json body = invite.json;
        body["unsigned"] = {{"invite_room_state", to_json(room.current_state())}};
        return peer.put("/_matrix/federation/v1/invite/" + escape(room.id().view()) + "/" +
                            escape(invite.id().view()),
                        body);
    }
    // In these versions the event's id is chosen by its server.
    Pdu draft_invite(const UserId& user) const {
        Pdu invite = room.draft_member(peer.user("creator"), user, "invite");
        invite["event_id"] = "$" + Client::make_transaction_id() + ":" + peer.name().text();
        return invite;
    }

    const Client alice = target.make_user("alice");
    const Client carol = target.make_user("carol");
    PeerRoom& room =
        peer.adopt_room(RoomId("!" + Client::make_transaction_id() + ":" + peer.name().text()),
                        *find_room_rules("2"),
                        {},
                        {});
};

}  // namespace

CONFORMANCE_TEST(InviteV1,
                 {.id = "ss/invite_v1/is-signed-and-given-back",
                  .place = kInviteV1Place,
                  .text = "The answer is an array of 200 and the event with the invited server's "
                          "signature added."}) {
    const Pdu invite = peer.sign(draft_invite(alice.user()));

    const Response response = send_invite_v1(invite);

    ASSERT_TRUE(has_status(response, 200));
    ASSERT_TRUE(response.body.is_array() && response.body.size() == 2) << response;
    EXPECT_EQ(response.body[0], Json(200)) << response;
    const Json& event = at_path(response.body[1], {"event"});
    EXPECT_EQ(string_at(event, {"event_id"}), invite.id().text()) << response;
    EXPECT_TRUE(at_path(event, {"signatures", target.server_name().view()}).is_object())
        << response;
    EXPECT_EQ(at_path(event, {"signatures", peer.name().view()}),
              at_path(invite.json, {"signatures", peer.name().view()}));
    alice.sync_until([&](const Response& sync) {
        return sync.at({"rooms", "invite", room.id().view()}).is_object();
    });
}

CONFORMANCE_TEST(InviteV1,
                 {.id = "ss/invite_v1/signs-nothing-else",
                  .place = kInviteV1Place,
                  .text = "An event that is no invite of a local user by a user of the origin is "
                          "not signed.",
                  .rows = rows_of(kBadInvites)}) {
    ASSERT_TRUE(has_status(send_invite_v1(peer.sign(draft_invite(carol.user()))), 200));
    Pdu bad = draft_invite(alice.user());
    row_of(kBadInvites).change(bad, peer);

    expect_refused_as_invalid(send_invite_v1(peer.sign(bad)));
}

}  // namespace matrix::conformance
