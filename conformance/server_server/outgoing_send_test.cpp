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

namespace {

// Are these references as room versions 1 and 2 write them: an id and the event's hash?
testing::AssertionResult are_pairs(const Json& references) {
    for (const Json& reference : references) {
        const bool is_pair = reference.is_array() && reference.size() == 2 &&
                             reference[0].is_string() && reference[1].is_object() &&
                             reference[1].contains("sha256");
        if (!is_pair) return testing::AssertionFailure() << reference;
    }
    return testing::AssertionSuccess();
}

}  // namespace

CONFORMANCE_TEST(TargetRoomTest,
                 {.id = "ss/outgoing_send/event-has-the-form-of-its-version",
                  .place = "rooms/v1#event-ids",
                  .text = "Up to room version 2 an event names itself and cites others with their "
                          "hashes; from 3 on it does neither.",
                  .rows = room_version_rows({"1", "10", "12"})}) {
    const bool has_ids = copy.rules().event_id_encoding == EventIdEncoding::Opaque;
    const EventId id = alice.send_message(room, "of this version");

    const std::optional<Pdu> event = peer.wait_for_event(id);

    ASSERT_TRUE(event) << "the message did not come";
    EXPECT_EQ(event->json.contains("event_id"), has_ids) << *event;
    for (const char* field : {"prev_events", "auth_events"}) {
        const Json& references = event->json[field];
        ASSERT_FALSE(references.empty()) << *event;
        EXPECT_EQ(static_cast<bool>(are_pairs(references)), has_ids) << field << " of " << *event;
    }
    if (!has_ids) return;
    EXPECT_EQ(string_at(event->json, {"event_id"}), id.text());
    EXPECT_TRUE(id.text().ends_with(":" + target.server_name().text())) << id.text();
}

CONFORMANCE_TEST(TargetRoomTest,
                 {.id = "ss/outgoing_send/cites-at-most-twenty-events",
                  .place = "server-server-api/#pdus",
                  .text = "`prev_events` must contain less than or equal to 20 events, however "
                          "many have no child."}) {
    const std::vector<EventId> fork = copy.extremities();
    std::vector<Pdu> branches;
    for (int i = 0; i < 40; ++i) {
        branches.push_back(peer.sign(copy.draft_after(
            fork, bob, "m.room.message", {{"msgtype", "m.text"}, {"body", std::to_string(i)}})));
        copy.add(branches.back());
    }
    const Response response = peer.send_transaction(branches);
    ASSERT_TRUE(is_accepted(response, branches.back().id()));

    const std::optional<Pdu> event = peer.wait_for_event(alice.send_message(room, "merged"));

    ASSERT_TRUE(event) << "the message did not come";
    EXPECT_GE(event->prev_events().size(), 1);
    EXPECT_LE(event->prev_events().size(), 20);
}

CONFORMANCE_TEST(TargetRoomTest,
                 {.id = "ss/outgoing_send/depth-stays-at-its-limit",
                  .place = "server-server-api/#pdus",
                  .text = "If the room's depth is already at the limit, the depth must be set to "
                          "the limit.",
                  .rows = room_version_rows({"10", "12"})}) {
    constexpr std::int64_t kLimit = (std::int64_t{1} << 53) - 1;
    Pdu deepest = copy.draft(bob, "m.room.message", {{"msgtype", "m.text"}, {"body", "deep"}});
    deepest["depth"] = kLimit;
    deepest = peer.sign(std::move(deepest));
    copy.add(deepest);
    const Response response = peer.send_transaction({deepest});
    ASSERT_TRUE(is_accepted(response, deepest.id()));
    alice.sync_until_event(room, deepest.id());

    const std::optional<Pdu> event = peer.wait_for_event(alice.send_message(room, "deeper"));

    ASSERT_TRUE(event) << "the message did not come";
    EXPECT_EQ(event->json["depth"].get<std::int64_t>(), kLimit) << *event;
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
