// Sending and redacting events, and reading them back.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#sending-events-to-a-room

#include "conformance/harness/conformance_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kSendPlace =
    "client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid";
constexpr std::string_view kRedactPlace =
    "client-server-api/#put_matrixclientv3roomsroomidredacteventidtxnid";

class RoomSendTest : public ClientTest {
protected:
    Client alice = target.make_user("alice");
    Client bob = target.make_user("bob");
    RoomId room = alice.create_room();
};

}  // namespace

CONFORMANCE_TEST(RoomSendTest,
                 {.id = "cs/room_send/an-event-is-read-back",
                  .place = "client-server-api/#get_matrixclientv3roomsroomideventeventid",
                  .text = "An event that was sent is read back by its id, as it was sent."}) {
    const EventId id = alice.send_message(room, "hello");

    const Response response = alice.get(room_path(room, {"event", id.view()}));

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(string_at(response.body, {"event_id"}), id.text());
    EXPECT_EQ(string_at(response.body, {"room_id"}), room.text());
    EXPECT_EQ(string_at(response.body, {"sender"}), alice.user().text());
    EXPECT_EQ(string_at(response.body, {"type"}), "m.room.message");
    EXPECT_EQ(string_at(response.body, {"content", "body"}), "hello");
}

CONFORMANCE_TEST(RoomSendTest,
                 {.id = "cs/room_send/same-transaction-is-one-event",
                  .place = "client-server-api/#transaction-identifiers",
                  .text = "A request repeated with its transaction id sends no second event and "
                          "returns the first one's id."}) {
    const std::string path =
        room_path(room, {"send", "m.room.message", Client::make_transaction_id()});
    const Json content = {{"msgtype", "m.text"}, {"body", "once"}};

    const Response first = alice.put(path, content);
    const Response second = alice.put(path, content);

    ASSERT_TRUE(has_status(first, 200));
    ASSERT_TRUE(has_status(second, 200));
    EXPECT_EQ(first.body, second.body);
}

CONFORMANCE_TEST(
    RoomSendTest,
    {.id = "cs/room_send/transactions-belong-to-a-device",
     .place = "client-server-api/#transaction-identifiers",
     .text = "The scope of a transaction id is a device: another device's request with "
             "the same id is a new one.",
     .since = "v1.7"}) {
    const Client phone = target.log_in(alice);
    const std::string path =
        room_path(room, {"send", "m.room.message", Client::make_transaction_id()});
    const Json content = {{"msgtype", "m.text"}, {"body", "twice"}};

    const Response first = alice.put(path, content);
    const Response second = phone.put(path, content);

    ASSERT_TRUE(has_status(first, 200));
    ASSERT_TRUE(has_status(second, 200));
    EXPECT_NE(first.body, second.body);
}

CONFORMANCE_TEST(RoomSendTest,
                 {.id = "cs/room_send/is-for-members",
                  .place = kSendPlace,
                  .text = "A user who is not in the room cannot send to it: 403 M_FORBIDDEN."}) {
    alice.send_message(room, "mine");

    const Response response =
        bob.put(room_path(room, {"send", "m.room.message", Client::make_transaction_id()}),
                {{"msgtype", "m.text"}, {"body", "not mine"}});

    EXPECT_TRUE(is_error(response, 403, "M_FORBIDDEN"));
}

CONFORMANCE_TEST(RoomSendTest,
                 {.id = "cs/room_send/unknown-event-is-404",
                  .place = "client-server-api/#get_matrixclientv3roomsroomideventeventid",
                  .text = "An event that does not exist is 404 M_NOT_FOUND."}) {
    const EventId id = alice.send_message(room, "known");
    ASSERT_TRUE(has_status(alice.get(room_path(room, {"event", id.view()})), 200));

    const Response response =
        alice.get(room_path(room, {"event", "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}));

    EXPECT_TRUE(is_error(response, 404, "M_NOT_FOUND"));
}

CONFORMANCE_TEST(RoomSendTest,
                 {.id = "cs/room_send/event-of-another-room-is-404",
                  .place = "client-server-api/#get_matrixclientv3roomsroomideventeventid",
                  .text = "An event is found through its own room alone."}) {
    const RoomId other = alice.create_room();
    const EventId id = alice.send_message(other, "elsewhere");
    ASSERT_TRUE(has_status(alice.get(room_path(other, {"event", id.view()})), 200));

    EXPECT_TRUE(is_error(alice.get(room_path(room, {"event", id.view()})), 404, "M_NOT_FOUND"));
}

CONFORMANCE_TEST(RoomSendTest,
                 {.id = "cs/redaction/takes-the-content-away",
                  .place = "client-server-api/#redactions",
                  .text = "A redacted event has no content, and tells what redacted it.",
                  .rows = room_version_rows()}) {
    const RoomId redacted_room = alice.create_room_of_version(room_version());
    const EventId id = alice.send_message(redacted_room, "regret");

    const EventId redaction = alice.redact(redacted_room, id, "spam");

    const Json event = alice.event(redacted_room, id);
    EXPECT_EQ(at_path(event, {"content"}), Json::object()) << event;
    EXPECT_EQ(string_at(event, {"unsigned", "redacted_because", "event_id"}), redaction.text())
        << event;
}

CONFORMANCE_TEST(RoomSendTest,
                 {.id = "cs/redaction/of-others-needs-power",
                  .place = kRedactPlace,
                  .text = "A member without power may redact own events and no others."}) {
    bob.join(room);
    const EventId own = bob.send_message(room, "bob's");
    const EventId foreign = alice.send_message(room, "alice's");
    const auto redact = [&](const EventId& id) {
        return bob.put(room_path(room, {"redact", id.view(), Client::make_transaction_id()}),
                       Json::object());
    };

    EXPECT_TRUE(has_status(redact(own), 200));
    EXPECT_TRUE(is_error(redact(foreign), 403, "M_FORBIDDEN"));
    EXPECT_EQ(string_at(alice.event(room, foreign), {"content", "body"}), "alice's");
}

CONFORMANCE_TEST(RoomSendTest,
                 {.id = "cs/redaction/keeps-a-membership",
                  .place = "rooms/v11#redactions",
                  .text = "The redaction of a membership event keeps `membership`.",
                  .rows = room_version_rows()}) {
    const RoomId redacted_room = alice.create_room_of_version(room_version());
    bob.join(redacted_room);
    bob.send_state(redacted_room,
                   "m.room.member",
                   bob.user().view(),
                   {{"membership", "join"}, {"displayname", "Bobby Tables"}});
    const Response state = alice.get(room_path(redacted_room, {"state"}));
    const EventId id(
        string_at(find_state_event(state.body, "m.room.member", bob.user().view()), {"event_id"}));

    alice.redact(redacted_room, id);

    const Json content = alice.state(redacted_room, "m.room.member", bob.user().view());
    EXPECT_EQ(content, Json({{"membership", "join"}}));
}

}  // namespace matrix::conformance
