// Finding the event that was sent closest to a time.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1timestamp_to_eventroomid

#include "conformance/server_server/shared_room.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kTimestampPlace =
    "server-server-api/#get_matrixfederationv1timestamp_to_eventroomid";

class TimestampToEvent : public TargetRoomTest {
protected:
    Response ask(const RoomId& in, const std::string& ts, std::string_view direction) {
        return peer.get("/_matrix/federation/v1/timestamp_to_event/" + escape(in.view()) +
                        "?ts=" + ts + "&dir=" + std::string(direction));
    }
    Response ask(std::int64_t ts, std::string_view direction) {
        return ask(room, std::to_string(ts), direction);
    }
    // A message of the peer's that says when it was sent.
    EventId send_at(std::int64_t ts) {
        Pdu pdu = copy.draft(bob, "m.room.message", {{"msgtype", "m.text"}, {"body", "then"}});
        pdu["origin_server_ts"] = ts;
        const Pdu message = peer.sign(pdu);
        copy.add(message);
        const Response response = peer.send_transaction({message});
        expect_step("sending a message", response);
        EXPECT_TRUE(is_accepted(response, message.id()));
        return message.id();
    }

    // Far from all that the tests' rooms are made of, and before the end of any key.
    static constexpr std::int64_t kLongAgo = 1'000'000'000'000;
    static constexpr std::int64_t kFarAhead = 9'000'000'000'000;
};

}  // namespace

CONFORMANCE_TEST(TimestampToEvent,
                 {.id = "ss/timestamp_to_event/is-the-closest-in-its-direction",
                  .place = kTimestampPlace,
                  .text = "The answer is the event closest to the time, in the direction `dir`.",
                  .since = "v1.6",
                  .rows = room_version_rows()}) {
    const EventId first = send_at(kLongAgo);
    const EventId second = send_at(kLongAgo + 1000);
    const EventId third = send_at(kLongAgo + 2000);

    const Response forwards = ask(kLongAgo + 400, "f");
    const Response backwards = ask(kLongAgo + 1900, "b");
    const Response before = ask(kLongAgo + 999, "b");
    const Response exactly = ask(kLongAgo + 2000, "f");

    EXPECT_EQ(string_at(forwards.body, {"event_id"}), second.text()) << forwards;
    EXPECT_EQ(forwards.at({"origin_server_ts"}), Json(kLongAgo + 1000)) << forwards;
    EXPECT_EQ(string_at(backwards.body, {"event_id"}), second.text()) << backwards;
    EXPECT_EQ(string_at(before.body, {"event_id"}), first.text()) << before;
    EXPECT_EQ(string_at(exactly.body, {"event_id"}), third.text()) << exactly;
}

CONFORMANCE_TEST(TimestampToEvent,
                 {.id = "ss/timestamp_to_event/nothing-there-is-404",
                  .place = kTimestampPlace,
                  .text = "Where no event is found, that is 404 M_NOT_FOUND.",
                  .since = "v1.6"}) {
    send_at(kLongAgo);
    ASSERT_TRUE(has_status(ask(kLongAgo, "b"), 200));

    EXPECT_TRUE(is_error(ask(kLongAgo - 1, "b"), 404, "M_NOT_FOUND"));
    EXPECT_TRUE(is_error(ask(kFarAhead, "f"), 404, "M_NOT_FOUND"));
}

CONFORMANCE_TEST(TimestampToEvent,
                 {.id = "ss/timestamp_to_event/needs-its-parameters",
                  .place = kTimestampPlace,
                  .text = "`ts` is an integer and `dir` is `f` or `b`; both are required.",
                  .since = "v1.6"}) {
    ASSERT_TRUE(has_status(ask(0, "f"), 200));

    EXPECT_EQ(ask(room, "yesterday", "f").status, 400);
    EXPECT_EQ(ask(0, "up").status, 400);
    const std::string path = "/_matrix/federation/v1/timestamp_to_event/" + escape(room.view());
    EXPECT_EQ(peer.get(path + "?dir=f").status, 400);
    EXPECT_EQ(peer.get(path + "?ts=0").status, 400);
}

CONFORMANCE_TEST(TimestampToEvent,
                 {.id = "ss/timestamp_to_event/is-for-servers-in-the-room",
                  .place = kTimestampPlace,
                  .text = "A server that is not in the room learns nothing of it, although no "
                          "m.room.server_acl denies it (security-cases.tsv 4).",
                  .since = "v1.6"}) {
    ASSERT_TRUE(has_status(ask(0, "f"), 200));
    const RoomId other = alice.create_room();

    const Response response = ask(other, "0", "f");

    EXPECT_TRUE(response.is_error()) << response;
    EXPECT_EQ(response.text.find("event_id"), std::string::npos) << response;
    EXPECT_SHOULD(response.status == 403) << response;
    EXPECT_EQ(ask(RoomId("!unknown:" + target.server_name().text()), "0", "f").status,
              response.status)
        << "a stranger does not learn which rooms exist";
}

CONFORMANCE_TEST(TimestampToEvent,
                 {.id = "ss/timestamp_to_event/hidden-history-is-not-told",
                  .place = "client-server-api/#room-history-visibility",
                  .text = "Events that the room's history visibility hides from the server are "
                          "passed over.",
                  .since = "v1.6"}) {
    const RoomId shy = alice.create_room({{"preset", "public_chat"},
                                          {"initial_state",
                                           {{{"type", "m.room.history_visibility"},
                                             {"content", {{"history_visibility", "joined"}}}}}}});
    const EventId hidden = alice.send_message(shy, "before the peer joined");
    const Json sent_at = alice.event(shy, hidden)["origin_server_ts"];
    peer.join(shy, "bob");
    const EventId shown = alice.send_message(shy, "after the peer joined");
    alice.sync_until_event(shy, shown);

    const Response response = ask(shy, sent_at.dump(), "f");
    const Response last = ask(shy, std::to_string(kFarAhead), "b");

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_NE(string_at(response.body, {"event_id"}), hidden.text()) << response;
    EXPECT_EQ(string_at(last.body, {"event_id"}), shown.text()) << last;
}

}  // namespace matrix::conformance
