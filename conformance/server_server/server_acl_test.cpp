// Servers that a room does not allow.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#server-access-control-lists-acls

#include "conformance/server_server/shared_room.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kServerAclPlace = "server-server-api/#server-access-control-lists-acls";

class ServerAcl : public TargetRoomTest {
protected:
    // The server's name is matched without its port.
    void deny_peer() const {
        const auto name = split_server_name(peer.name());
        alice.send_state(room,
                         "m.room.server_acl",
                         "",
                         {{"allow", {"*"}}, {"allow_ip_literals", true}, {"deny", {name->host}}});
    }
};

struct ProtectedEndpoint {
    std::string_view name;
    Response (*ask)(Peer& peer, const RoomId& room, const EventId& event);
};
const ProtectedEndpoint kProtectedEndpoints[] = {
    {"make_join",
     [](Peer& peer, const RoomId& room, const EventId&) {
         return peer.make_join(room, peer.user("carol"));
     }},
    {"make_leave",
     [](Peer& peer, const RoomId& room, const EventId&) {
         return peer.make_leave(room, peer.user("bob"));
     }},
    {"state",
     [](Peer& peer, const RoomId& room, const EventId& event) { return peer.state(room, event); }},
    {"state_ids",
     [](Peer& peer, const RoomId& room, const EventId& event) {
         return peer.state_ids(room, event);
     }},
    {"backfill",
     [](Peer& peer, const RoomId& room, const EventId& event) {
         return peer.backfill(room, {event}, 5);
     }},
    {"event_auth",
     [](Peer& peer, const RoomId& room, const EventId& event) {
         return peer.event_auth(room, event);
     }},
    {"get_missing_events",
     [](Peer& peer, const RoomId& room, const EventId& event) {
         return peer.missing_events(room, {}, {event});
     }},
};

}  // namespace

CONFORMANCE_TEST(ServerAcl,
                 {.id = "ss/server_acl/denied-server-is-403",
                  .place = kServerAclPlace,
                  .text = "A server that the room denies is answered 403 M_FORBIDDEN.",
                  .rows = rows_of(kProtectedEndpoints)}) {
    const EventId event = alice.send_message(room, "before");
    const auto ask = row_of(kProtectedEndpoints).ask;
    ASSERT_TRUE(has_status(ask(peer, room, event), 200));

    deny_peer();

    EXPECT_TRUE(is_error(ask(peer, room, event), 403, "M_FORBIDDEN"));
}

CONFORMANCE_TEST(ServerAcl,
                 {.id = "ss/server_acl/denied-server-brings-no-join",
                  .place = kServerAclPlace,
                  .text = "A join by /send_join of a server that the room denies is 403 "
                          "M_FORBIDDEN."}) {
    const Pdu carols = peer.sign(peer.join_template(room, "carol"));
    const Pdu daves = peer.sign(peer.join_template(room, "dave"));
    ASSERT_TRUE(has_status(peer.send_join(carols), 200));

    deny_peer();

    EXPECT_TRUE(is_error(peer.send_join(daves), 403, "M_FORBIDDEN"));
    EXPECT_NE(alice.membership(room, peer.user("dave")), "join");
}

CONFORMANCE_TEST(ServerAcl,
                 {.id = "ss/server_acl/denied-server-s-events-are-ignored",
                  .place = kServerAclPlace,
                  .text = "A PDU from a server that the room denies is ignored, with an error for "
                          "its event id in the response."}) {
    const Json content = {{"msgtype", "m.text"}, {"body", "hello"}};
    const Pdu before = peer.send(copy, bob, "m.room.message", content);
    alice.sync_until_event(room, before.id());
    deny_peer();
    const Pdu after = peer.sign(copy.draft(bob, "m.room.message", content));

    const Response response = peer.send_transaction({after});

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_FALSE(string_at(response.at({"pdus", after.id().view()}), {"error"}).empty())
        << response;
    const EventId marker = alice.send_message(room, "marker");
    alice.sync_until_event(room, marker);
    EXPECT_TRUE(alice.get(room_path(room, {"event", after.id().view()})).is_error());
}

}  // namespace matrix::conformance
