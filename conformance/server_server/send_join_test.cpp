// Bringing a signed join to a resident server.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid

#include <algorithm>

#include "conformance/harness/federation_test.h"
#include "conformance/server_server/shared_room.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kSendJoinPlace =
    "server-server-api/#put_matrixfederationv2send_joinroomideventid";

class SendJoin : public FederationTest {
protected:
    // The join of one more user of the peer.
    Pdu draft_join(std::string_view localpart) { return peer.join_template(room, localpart); }
    // The same, brought under the room and the event id of `path`.
    Response send_join_as(const Pdu& join, const RoomId& path_room, const EventId& path_id) {
        return peer.put("/_matrix/federation/v2/send_join/" + escape(path_room.view()) + "/" +
                            escape(path_id.view()),
                        join.json);
    }

    const Client alice = target.make_user("alice");
    const RoomId room = alice.create_room_of_version(room_version_here(target));
};

struct BadJoin {
    std::string_view name;
    std::string_view text;
    void (*change)(Pdu& join, const Peer& peer);
};
const BadJoin kBadJoins[] = {
    {"type",
     "The type of the event is m.room.member.",
     [](Pdu& join, const Peer&) { join["type"] = "m.room.message"; }},
    {"membership",
     "The `membership` of the event is `join`.",
     [](Pdu& join, const Peer&) { join["content"]["membership"] = "invite"; }},
    {"sender",
     "The sender is a user of the origin.",
     [](Pdu& join, const Peer&) {
         join["sender"] = "@carol:elsewhere.example";
         join["state_key"] = "@carol:elsewhere.example";
     }},
    {"state_key",
     "The `state_key` is equal to the sender.",
     [](Pdu& join, const Peer& peer) { join["state_key"] = peer.user("dave").text(); }},
};

}  // namespace

CONFORMANCE_TEST(SendJoin,
                 {.id = "ss/send_join/brings-the-user-into-the-room",
                  .place = "server-server-api/#joining-rooms",
                  .text = "The resident server accepts the join into the room's graph: its clients "
                          "see it.",
                  .rows = room_version_rows()}) {
    const Pdu join = peer.sign(draft_join("bob"));

    ASSERT_TRUE(has_status(peer.send_join(join), 200));

    const Json event = alice.sync_until_event(room, join.id());
    EXPECT_EQ(string_at(event, {"content", "membership"}), "join") << event;
    EXPECT_EQ(alice.membership(room, peer.user("bob")), "join");
}

CONFORMANCE_TEST(SendJoin,
                 {.id = "ss/send_join/state-is-before-the-join",
                  .place = kSendJoinPlace,
                  .text = "`state` is the room's resolved state prior to the join event.",
                  .rows = room_version_rows()}) {
    const EventId name = alice.send_state(room, "m.room.name", "", {{"name", "before"}});
    const Pdu join = peer.sign(draft_join("bob"));

    const Response response = peer.send_join(join);

    ASSERT_TRUE(has_status(response, 200));
    const Json& state = response.at({"state"});
    EXPECT_FALSE(find_state_event(state, "m.room.create", "").is_null()) << response;
    EXPECT_FALSE(find_state_event(state, "m.room.member", alice.user().view()).is_null())
        << response;
    EXPECT_TRUE(contains(ids_in(state, *join.rules), name)) << response;
    EXPECT_TRUE(find_state_event(state, "m.room.member", peer.user("bob").view()).is_null())
        << response;
}

CONFORMANCE_TEST(SendJoin,
                 {.id = "ss/send_join/auth-chain-is-complete",
                  .place = kSendJoinPlace,
                  .text = "`auth_chain` holds the auth chain of the join and of all events in "
                          "`state`.",
                  .rows = room_version_rows()}) {
    alice.send_state(room, "m.room.topic", "", {{"topic", "chains"}});
    const Pdu join = peer.sign(draft_join("bob"));

    const Response response = peer.send_join(join);

    ASSERT_TRUE(has_status(response, 200));
    std::vector<Pdu> events = pdus_from(response.at({"state"}), *join.rules);
    const std::vector<EventId> chain = ids_in(response.at({"auth_chain"}), *join.rules);
    const std::vector<EventId> state = ids_in(response.at({"state"}), *join.rules);
    for (Pdu& event : pdus_from(response.at({"auth_chain"}), *join.rules))
        events.push_back(std::move(event));
    events.push_back(join);
    for (const Pdu& event : events) {
        for (const EventId& id : event.auth_events()) {
            EXPECT_TRUE(contains(chain, id) || contains(state, id))
                << id.text() << ", which authorises " << event;
            EXPECT_SHOULD(contains(chain, id)) << id.text() << " is in `state` alone";
        }
    }
}

CONFORMANCE_TEST(SendJoin,
                 {.id = "ss/send_join/refuses-another-event",
                  .place = kSendJoinPlace,
                  .text = "An event that is no join of a user of the origin is refused.",
                  .rows = rows_of(kBadJoins)}) {
    ASSERT_TRUE(has_status(peer.send_join(peer.sign(draft_join("bob"))), 200));
    Pdu bad = draft_join("carol");
    row_of(kBadJoins).change(bad, peer);
    bad = peer.sign(bad);

    expect_refused_as_invalid(peer.send_join(bad));

    EXPECT_NE(alice.membership(room, UserId(bad.state_key().value_or(""))), "join");
    EXPECT_TRUE(alice.get(room_path(room, {"event", bad.id().view()})).is_error());
}

CONFORMANCE_TEST(SendJoin,
                 {.id = "ss/send_join/refuses-a-join-that-is-not-signed",
                  .place = kSendJoinPlace,
                  .text = "A join that fails the signature check is refused: it has none."}) {
    ASSERT_TRUE(has_status(peer.send_join(peer.sign(draft_join("bob"))), 200));
    Pdu bare = peer.sign(draft_join("carol"));
    bare["signatures"] = Json::object();

    expect_refused_as_invalid(peer.send_join(bare));

    EXPECT_NE(alice.membership(room, peer.user("carol")), "join");
}

CONFORMANCE_TEST(SendJoin,
                 {.id = "ss/send_join/refuses-a-join-that-is-wrongly-signed",
                  .place = kSendJoinPlace,
                  .text = "A join that fails the signature check is refused: it is by another "
                          "key."}) {
    ASSERT_TRUE(has_status(peer.send_join(peer.sign(draft_join("bob"))), 200));
    const auto stranger = make_ed25519_signer(peer.signer().key_id(), std::string(32, 'x'));
    const Pdu forged = sign_pdu(draft_join("carol"), peer.name(), *stranger);

    expect_refused_as_invalid(peer.send_join(forged));

    EXPECT_NE(alice.membership(room, peer.user("carol")), "join");
}

CONFORMANCE_TEST(SendJoin,
                 {.id = "ss/send_join/room-is-that-of-the-path",
                  .level = Level::Should,
                  .place = kSendJoinPlace,
                  .text = "The path names the room that is about to be joined: a join of another "
                          "room is refused."}) {
    const RoomId other = alice.create_room();
    ASSERT_TRUE(has_status(peer.send_join(peer.sign(draft_join("bob"))), 200));
    const Pdu join = peer.sign(draft_join("carol"));

    const Response response = send_join_as(join, other, join.id());

    EXPECT_TRUE(response.is_error()) << response;
    EXPECT_NE(alice.membership(other, peer.user("carol")), "join");
}

CONFORMANCE_TEST(SendJoin,
                 {.id = "ss/send_join/event-is-that-of-the-path",
                  .level = Level::Should,
                  .place = kSendJoinPlace,
                  .text = "The path names the id of the join: an event with another id is "
                          "refused."}) {
    const Pdu first = peer.sign(draft_join("bob"));
    ASSERT_TRUE(has_status(peer.send_join(first), 200));
    const Pdu join = peer.sign(draft_join("carol"));

    const Response response = send_join_as(join, room, first.id());

    EXPECT_TRUE(response.is_error()) << response;
}

CONFORMANCE_TEST(SendJoin,
                 {.id = "ss/send_join/refuses-who-was-banned-meanwhile",
                  .place = kSendJoinPlace,
                  .text = "A join that the room does not permit is refused with 403: the user was "
                          "banned after /make_join."}) {
    const Pdu bobs = peer.sign(draft_join("bob"));
    const Pdu mallorys = peer.sign(draft_join("mallory"));
    alice.ban(room, peer.user("mallory"));
    ASSERT_TRUE(has_status(peer.send_join(bobs), 200));

    const Response response = peer.send_join(mallorys);

    EXPECT_TRUE(has_status(response, 403));
    EXPECT_EQ(alice.membership(room, peer.user("mallory")), "ban");
}

CONFORMANCE_TEST(SendJoin,
                 {.id = "ss/send_join/reaches-the-other-servers",
                  .place = "server-server-api/#joining-rooms",
                  .text = "The resident server sends the join to the other servers in the room.",
                  .needs = {Capability::SeveralPeers}}) {
    const std::unique_ptr<Peer> other = make_peer();
    other->join(room, "carol");
    const Pdu join = peer.sign(draft_join("bob"));

    ASSERT_TRUE(has_status(peer.send_join(join), 200));

    EXPECT_TRUE(other->wait_for_event(join.id())) << "the join did not come";
}

namespace {

constexpr std::string_view kOmitMembers = "?omit_members=true";

bool has_member(const Json& events, const UserId& user) {
    return !find_state_event(events, "m.room.member", user.view()).is_null();
}

}  // namespace

CONFORMANCE_TEST(SendJoin,
                 {.id = "ss/send_join/omits-members-where-that-is-asked-for",
                  .place = kSendJoinPlace,
                  .text = "With `omit_members` memberships may be left out of `state`; then "
                          "`members_omitted` is true, and `servers_in_room` is there.",
                  .since = "v1.6",
                  .rows = room_version_rows()}) {
    alice.send_state(room, "m.room.name", "", {{"name", "named"}});
    const Pdu whole = peer.sign(draft_join("bob"));
    const Response in_full = peer.send_join(whole);
    ASSERT_TRUE(has_status(in_full, 200));
    EXPECT_TRUE(has_member(in_full.at({"state"}), alice.user())) << in_full;
    EXPECT_NE(in_full.at({"members_omitted"}), Json(true)) << "nobody asked for that";
    const Pdu join = peer.sign(draft_join("carol"));

    const Response response =
        peer.put("/_matrix/federation/v2/send_join/" + escape(room.view()) + "/" +
                     escape(join.id().view()) + std::string(kOmitMembers),
                 join.json);

    ASSERT_TRUE(has_status(response, 200));
    const Json& state = response.at({"state"});
    EXPECT_FALSE(find_state_event(state, "m.room.name", "").is_null()) << response;
    const bool is_omitted = response.at({"members_omitted"}) == Json(true);
    EXPECT_EQ(is_omitted, !has_member(state, alice.user())) << response;
    if (is_omitted) {
        const Json& servers = response.at({"servers_in_room"});
        ASSERT_TRUE(servers.is_array()) << response;
        EXPECT_EQ(std::ranges::count(servers, Json(peer.name().text())), 1) << response;
        EXPECT_EQ(std::ranges::count(servers, Json(target.server_name().text())), 1) << response;
    }
}

CONFORMANCE_TEST(SendJoin,
                 {.id = "ss/send_join/keeps-the-heroes-of-an-unnamed-room",
                  .level = Level::Should,
                  .place = kSendJoinPlace,
                  .text = "Of a room without a name, `state` has the members who would be heroes, "
                          "and `auth_chain` what authorises them.",
                  .since = "v1.6"}) {
    const Pdu join = peer.sign(draft_join("bob"));

    const Response response =
        peer.put("/_matrix/federation/v2/send_join/" + escape(room.view()) + "/" +
                     escape(join.id().view()) + std::string(kOmitMembers),
                 join.json);

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_TRUE(has_member(response.at({"state"}), alice.user())) << response;
    std::vector<EventId> known = ids_in(response.at({"auth_chain"}), *join.rules);
    for (const EventId& id : ids_in(response.at({"state"}), *join.rules))
        known.push_back(id);
    for (const char* part : {"state", "auth_chain"}) {
        for (const Pdu& event : pdus_from(response.at({part}), *join.rules)) {
            for (const EventId& id : event.auth_events())
                EXPECT_TRUE(contains(known, id)) << id.text() << ", which authorises " << event;
        }
    }
}

}  // namespace matrix::conformance
