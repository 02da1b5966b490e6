// Receipts between servers.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#receipts

#include "conformance/server_server/shared_room.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kReceiptEduPlace = "server-server-api/#receipts";

class ReceiptEdu : public TargetRoomTest {
protected:
    Pdu send_from_peer(std::string_view text) {
        Pdu message =
            peer.send(copy, bob, "m.room.message", {{"msgtype", "m.text"}, {"body", text}});
        alice.sync_until_event(room, message.id());
        return message;
    }
    Response post_receipt(std::string_view type,
                          const EventId& event,
                          const Json& body = Json::object()) const {
        return alice.post(room_path(room, {"receipt", type, event.view()}), body);
    }
    /// Waits until the peer is told that alice has read an event; gives her part of the EDU.
    std::optional<Json> wait_for_receipt(const EventId& event) {
        const auto path = {room.view(), std::string_view("m.read"), alice.user().view()};
        const auto content = peer.wait_for_edu("m.receipt", [&](const Json& one) {
            return at_path(one, path).value("event_ids", Json()) == Json::array({event.text()});
        });
        return content ? std::optional(at_path(*content, path)) : std::nullopt;
    }
    Json receipt_of(const UserId& user, const EventId& event) const {
        const Json read = {{"event_ids", {event.text()}}, {"data", {{"ts", 1'700'000'000'000}}}};
        return {{"edu_type", "m.receipt"},
                {"content", {{room.text(), {{"m.read", {{user.text(), read}}}}}}}};
    }
    const Json& find_receipt(const Response& sync, const EventId& event, const UserId& user) const {
        static const Json nothing;
        for (const Json& one : at_path(joined_room(sync, room), {"ephemeral", "events"})) {
            const Json& data = at_path(one, {"content", event.view(), "m.read", user.view()});
            if (data.is_object()) return data;
        }
        return nothing;
    }
    Response sync_until_receipt(const EventId& event, const UserId& user) const {
        return alice.sync_until(
            [&](const Response& sync) { return find_receipt(sync, event, user).is_object(); });
    }
};

}  // namespace

CONFORMANCE_TEST(ReceiptEdu,
                 {.id = "ss/edu_receipt/other-servers-are-told",
                  .place = kReceiptEduPlace,
                  .text = "A read receipt is sent to the other servers in the room, with the event "
                          "and the time."}) {
    const Pdu message = send_from_peer("read me");

    ASSERT_TRUE(has_status(post_receipt("m.read", message.id()), 200));

    const std::optional<Json> receipt = wait_for_receipt(message.id());
    ASSERT_TRUE(receipt) << "no m.receipt EDU";
    EXPECT_TRUE(at_path(*receipt, {"data", "ts"}).is_number_integer()) << *receipt;
    EXPECT_FALSE(at_path(*receipt, {"data"}).contains("thread_id")) << *receipt;
}

CONFORMANCE_TEST(ReceiptEdu,
                 {.id = "ss/edu_receipt/thread-is-named",
                  .place = kReceiptEduPlace,
                  .text = "A threaded read receipt says its thread in `data`."}) {
    const Pdu message = send_from_peer("read me");

    ASSERT_TRUE(has_status(post_receipt("m.read", message.id(), {{"thread_id", "main"}}), 200));

    const std::optional<Json> receipt = wait_for_receipt(message.id());
    ASSERT_TRUE(receipt) << "no m.receipt EDU";
    EXPECT_EQ(string_at(*receipt, {"data", "thread_id"}), "main") << *receipt;
}

CONFORMANCE_TEST(ReceiptEdu,
                 {.id = "ss/edu_receipt/private-one-is-not-federated",
                  .place = "client-server-api/#receipts",
                  .text = "m.read.private MUST NOT appear in a federated m.receipt EDU."}) {
    const Pdu first = send_from_peer("first");
    const Pdu second = send_from_peer("second");

    ASSERT_TRUE(has_status(post_receipt("m.read.private", first.id()), 200));

    ASSERT_TRUE(has_status(post_receipt("m.read", second.id()), 200));
    ASSERT_TRUE(wait_for_receipt(second.id())) << "no m.receipt EDU";
    for (const Json& content : peer.received_edus("m.receipt")) {
        EXPECT_EQ(content.dump().find("m.read.private"), std::string::npos) << content;
        EXPECT_EQ(content.dump().find(first.id().text()), std::string::npos) << content;
    }
}

CONFORMANCE_TEST(ReceiptEdu,
                 {.id = "ss/edu_receipt/clients-see-users-of-other-servers",
                  .place = kReceiptEduPlace,
                  .text = "Users see what users of other servers have read, and when."}) {
    const EventId message = alice.send_message(room, "read me");

    ASSERT_TRUE(
        has_status(peer.send_transaction({}, Json::array({receipt_of(bob, message)})), 200));

    const Response sync = sync_until_receipt(message, bob);
    EXPECT_EQ(at_path(find_receipt(sync, message, bob), {"ts"}), Json(1'700'000'000'000)) << sync;
}

// security-cases.tsv 31
CONFORMANCE_TEST(ReceiptEdu,
                 {.id = "ss/edu_receipt/user-must-be-of-the-sending-server",
                  .place = kReceiptEduPlace,
                  .text = "The EDU is of receipts for users of the sending homeserver: others are "
                          "not taken."}) {
    const Client carol = target.make_user("carol");
    carol.join(room);
    const EventId message = alice.send_message(room, "read me");

    ASSERT_TRUE(has_status(
        peer.send_transaction(
            {}, Json::array({receipt_of(carol.user(), message), receipt_of(bob, message)})),
        200));

    const Response sync = sync_until_receipt(message, bob);
    EXPECT_TRUE(find_receipt(sync, message, carol.user()).is_null()) << sync;
}

CONFORMANCE_TEST(ReceiptEdu,
                 {.id = "ss/edu_receipt/denied-server-s-are-ignored",
                  .place = "server-server-api/#server-access-control-lists-acls",
                  .text = "All receipts for a room MUST be ignored if the sending server is denied "
                          "access to the room."}) {
    const Client carol = target.make_user("carol");
    carol.join(room);
    const EventId message = alice.send_message(room, "read me");
    const auto name = split_server_name(peer.name());
    alice.send_state(room,
                     "m.room.server_acl",
                     "",
                     {{"allow", {"*"}}, {"allow_ip_literals", true}, {"deny", {name->host}}});

    ASSERT_TRUE(
        has_status(peer.send_transaction({}, Json::array({receipt_of(bob, message)})), 200));

    ASSERT_TRUE(has_status(
        carol.post(room_path(room, {"receipt", "m.read", message.view()}), Json::object()), 200));
    const Response marker = sync_until_receipt(message, carol.user());
    EXPECT_TRUE(find_receipt(marker, message, bob).is_null()) << marker;
}

}  // namespace matrix::conformance
