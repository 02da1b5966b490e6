// What the target sends of its own to the servers in a room.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#transactions

#include <algorithm>

#include "conformance/server_server/shared_room.h"
#include "refserver/protocol/event_hash.h"
#include "refserver/protocol/server_keys.h"

namespace matrix::conformance {

CONFORMANCE_TEST(TargetRoomTest,
                 {.id = "ss/outgoing_send/event-reaches-the-other-server",
                  .place = "server-server-api/#put_matrixfederationv1sendtxnid",
                  .text = "The events of a server's users are sent to the other servers in the "
                          "room.",
                  .rows = room_version_rows()}) {
    const EventId id = alice.send_message(room, "to all of you");

    const std::optional<Pdu> event = peer.wait_for_event(id);

    ASSERT_TRUE(event) << "the message did not come";
    EXPECT_EQ(event->sender(), alice.user());
    EXPECT_EQ(string_at(event->json, {"content", "body"}), "to all of you");
}

CONFORMANCE_TEST(TargetRoomTest,
                 {.id = "ss/outgoing_send/event-has-hash-and-signature",
                  .place = "server-server-api/#adding-hashes-and-signatures-to-outgoing-events",
                  .text = "An event has its content hash, and is signed by the sender's server.",
                  .rows = room_version_rows()}) {
    const EventId id = alice.send_message(room, "signed");
    const Response published = peer.send_unsigned({.target = "/_matrix/key/v2/server"});
    const auto keys = parse_server_keys(to_protocol_object(published.body), ed25519_verifier());
    ASSERT_TRUE(keys) << published;

    const std::optional<Pdu> event = peer.wait_for_event(id);

    ASSERT_TRUE(event) << "the message did not come";
    const json::Object pdu = to_protocol_object(event->json);
    EXPECT_TRUE(has_valid_content_hash(pdu)) << *event;
    EXPECT_EQ(check_event_signatures(pdu,
                                     target.server_name(),
                                     keys->keys,
                                     event->json["origin_server_ts"].get<std::int64_t>(),
                                     copy.rules(),
                                     ed25519_verifier()),
              SignatureVerdict::Valid)
        << *event;
}

CONFORMANCE_TEST(TargetRoomTest,
                 {.id = "ss/outgoing_send/event-comes-after-all-others",
                  .level = Level::Should,
                  .place = "server-server-api/#pdus",
                  .text = "`prev_events` are all events of the room that have no child yet."}) {
    const Pdu bobs = peer.send(copy, bob, "m.room.message", {{"msgtype", "m.text"}, {"body", "1"}});
    alice.sync_until_event(room, bobs.id());

    const EventId id = alice.send_message(room, "2");

    const std::optional<Pdu> event = peer.wait_for_event(id);
    ASSERT_TRUE(event) << "the message did not come";
    EXPECT_EQ(event->prev_events(), std::vector<EventId>{bobs.id()}) << *event;
}

CONFORMANCE_TEST(TargetRoomTest,
                 {.id = "ss/outgoing_send/auth-events-are-selected",
                  .level = Level::Should,
                  .place = "server-server-api/#auth-events-selection",
                  .text = "`auth_events` are the sender's membership, the power levels, and "
                          "depending on the room version the m.room.create event.",
                  .rows = room_version_rows()}) {
    const EventId id = alice.send_message(room, "allowed");

    const std::optional<Pdu> event = peer.wait_for_event(id);

    ASSERT_TRUE(event) << "the message did not come";
    PeerRoom::State state;
    for (const Pdu& one : copy.state_before(id)) {
        if (const auto key = one.state_key()) state[{one.type(), *key}] = one.id();
    }
    std::vector<EventId> expected = select_auth_events(
        state, alice.user(), event->type(), std::nullopt, Json::object(), copy.rules());
    std::vector<EventId> actual = event->auth_events();
    std::ranges::sort(expected);
    std::ranges::sort(actual);
    EXPECT_EQ(actual, expected) << *event;
}

CONFORMANCE_TEST(TargetRoomTest,
                 {.id = "ss/outgoing_send/transaction-names-its-origin",
                  .place = "server-server-api/#put_matrixfederationv1sendtxnid",
                  .text = "A transaction has the origin's name, its time and its PDUs."}) {
    alice.send_message(room, "in a transaction");

    const auto request = peer.wait_for_request("PUT", "/_matrix/federation/v1/send/");

    ASSERT_TRUE(request);
    const Json body = request->json();
    EXPECT_EQ(string_at(body, {"origin"}), target.server_name().text());
    EXPECT_TRUE(at_path(body, {"origin_server_ts"}).is_number_integer()) << body;
    EXPECT_TRUE(at_path(body, {"pdus"}).is_array()) << body;
}

CONFORMANCE_TEST(PeerRoomTest,
                 {.id = "ss/outgoing_send/event-in-a-room-of-another-server",
                  .place = "server-server-api/#put_matrixfederationv1sendtxnid",
                  .text = "A user who joined a room of another server sends to it.",
                  .rows = room_version_rows()}) {
    const EventId id = alice.send_message(room.id(), "thanks for having me");

    EXPECT_TRUE(peer.wait_for_event(id)) << "the message did not come";
}

}  // namespace matrix::conformance
