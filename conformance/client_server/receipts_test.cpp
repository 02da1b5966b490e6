// Read receipts, public and private, threaded and not.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#receipts

#include "conformance/harness/conformance_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kReceiptsPlace = "client-server-api/#receipts";
constexpr std::string_view kPostReceiptPlace =
    "client-server-api/#post_matrixclientv3roomsroomidreceiptreceipttypeeventid";

class ReceiptsTest : public ClientTest {
protected:
    ReceiptsTest() { bob.join(room); }

    Response post_receipt(const Client& client,
                          std::string_view type,
                          const EventId& event,
                          const Json& body = Json::object()) const {
        return client.post(room_path(room, {"receipt", type, event.view()}), body);
    }
    /// A user's receipt for an event in a sync, of the thread or unthreaded; null if there is none.
    const Json& find_receipt(const Response& sync,
                             std::string_view type,
                             const EventId& event,
                             const Client& user,
                             std::string_view thread = "") const {
        static const Json nothing;
        for (const Json& one : at_path(joined_room(sync, room), {"ephemeral", "events"})) {
            const Json& data = at_path(one, {"content", event.view(), type, user.user().view()});
            if (data.is_object() && string_at(data, {"thread_id"}) == thread) return data;
        }
        return nothing;
    }
    Response sync_until_receipt(const Client& reader,
                                std::string_view type,
                                const EventId& event,
                                const Client& user,
                                std::string_view thread = "") const {
        return reader.sync_until([&](const Response& sync) {
            return !find_receipt(sync, type, event, user, thread).is_null();
        });
    }
    EventId reply_in_thread(const EventId& root) const {
        return alice.send_event(
            room,
            "m.room.message",
            {{"msgtype", "m.text"},
             {"body", "in the thread"},
             {"m.relates_to", {{"rel_type", "m.thread"}, {"event_id", root.text()}}}});
    }

    Client alice = target.make_user("alice");
    Client bob = target.make_user("bob");
    RoomId room = alice.create_room();
};

}  // namespace

CONFORMANCE_TEST(
    ReceiptsTest,
    {.id = "cs/receipts/members-see-a-receipt",
     .place = kReceiptsPlace,
     .text = "Receipts are under `ephemeral` of the room, by event, type and user, with "
             "the time at which they were sent."}) {
    const EventId event = alice.send_message(room, "read me");

    const Response response = post_receipt(bob, "m.read", event);

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(response.body, Json::object());
    const Response sync = sync_until_receipt(alice, "m.read", event, bob);
    EXPECT_TRUE(at_path(find_receipt(sync, "m.read", event, bob), {"ts"}).is_number_integer())
        << sync;
}

CONFORMANCE_TEST(ReceiptsTest,
                 {.id = "cs/receipts/private-one-is-for-its-user-alone",
                  .place = "client-server-api/#private-read-receipts",
                  .text = "Servers MUST NOT send the m.read.private receipt to any other user than "
                          "the one which originally sent it."}) {
    const EventId event = alice.send_message(room, "read me");

    ASSERT_TRUE(has_status(post_receipt(bob, "m.read.private", event), 200));

    sync_until_receipt(bob, "m.read.private", event, bob);
    ASSERT_TRUE(has_status(post_receipt(bob, "m.read", event), 200));
    const Response marker = sync_until_receipt(alice, "m.read", event, bob);
    EXPECT_TRUE(find_receipt(marker, "m.read.private", event, bob).is_null()) << marker;
}

CONFORMANCE_TEST(
    ReceiptsTest,
    {.id = "cs/receipts/newer-one-replaces-the-older",
     .place = kReceiptsPlace,
     .text = "Each user, type and thread must be associated with only a single event."}) {
    const EventId first = alice.send_message(room, "first");
    const EventId second = alice.send_message(room, "second");
    ASSERT_TRUE(has_status(post_receipt(bob, "m.read", first), 200));

    ASSERT_TRUE(has_status(post_receipt(bob, "m.read", second), 200));

    const Response sync = sync_until_receipt(alice, "m.read", second, bob);
    EXPECT_TRUE(find_receipt(sync, "m.read", first, bob).is_null()) << sync;
}

CONFORMANCE_TEST(ReceiptsTest,
                 {.id = "cs/receipts/threads-have-their-own",
                  .place = "client-server-api/#threaded-read-receipts",
                  .text = "Unthreaded receipts, those of the main timeline and those of a thread "
                          "stand beside each other, and say which they are by `thread_id`."}) {
    const EventId root = alice.send_message(room, "root");
    const EventId reply = reply_in_thread(root);

    ASSERT_TRUE(has_status(post_receipt(bob, "m.read", root), 200));
    ASSERT_TRUE(has_status(post_receipt(bob, "m.read", root, {{"thread_id", "main"}}), 200));
    ASSERT_TRUE(has_status(post_receipt(bob, "m.read", reply, {{"thread_id", root.text()}}), 200));

    // In whatever order, an initial sync has all of them or an incremental one each.
    sync_until_receipt(alice, "m.read", reply, bob, root.view());
    sync_until_receipt(alice, "m.read", root, bob, "main");
    sync_until_receipt(alice, "m.read", root, bob);
}

namespace {

struct WrongThread {
    std::string_view name;
    std::string_view text;
    std::string_view type;
    Json (*body)(const EventId& unrelated);
};
const WrongThread kWrongThreads[] = {
    {"no-string",
     "`thread_id` is not a string.",
     "m.read",
     [](const EventId&) { return Json{{"thread_id", 1}}; }},
    {"empty",
     "`thread_id` is empty.",
     "m.read",
     [](const EventId&) { return Json{{"thread_id", ""}}; }},
    {"incompatible-type",
     "`thread_id` is provided for an incompatible receipt type.",
     "m.fully_read",
     [](const EventId&) { return Json{{"thread_id", "main"}}; }},
    {"unrelated",
     "The event is not related to the `thread_id`.",
     "m.read",
     [](const EventId& unrelated) { return Json{{"thread_id", unrelated.text()}}; }},
};

}  // namespace

CONFORMANCE_TEST(ReceiptsTest,
                 {.id = "cs/receipts/invalid-thread-is-400",
                  .place = kPostReceiptPlace,
                  .text = "400 when the `thread_id` is invalid.",
                  .rows = rows_of(kWrongThreads)}) {
    const EventId event = alice.send_message(room, "read me");
    const EventId unrelated = alice.send_message(room, "not a root of that");
    const WrongThread& row = row_of(kWrongThreads);

    const Response response = post_receipt(bob, row.type, event, row.body(unrelated));

    EXPECT_TRUE(has_status(response, 400));
    EXPECT_SHOULD(is_error(response, 400, "M_INVALID_PARAM")) << response;
}

CONFORMANCE_TEST(
    ReceiptsTest,
    {.id = "cs/receipts/unknown-type-is-refused",
     .place = kPostReceiptPlace,
     .text = "The type of a receipt is one of m.read, m.read.private, m.fully_read."}) {
    const EventId event = alice.send_message(room, "read me");

    EXPECT_TRUE(post_receipt(bob, "org.example.unknown", event).is_error());
}

// security-cases.tsv 32
CONFORMANCE_TEST(ReceiptsTest,
                 {.id = "cs/receipts/stranger-s-is-refused",
                  .place = kReceiptsPlace,
                  .text = "A receipt of a user who is not in the room is refused, and nobody sees "
                          "it."}) {
    const Client carol = target.make_user("carol");
    const EventId event = alice.send_message(room, "read me");

    EXPECT_TRUE(post_receipt(carol, "m.read", event).is_error());

    ASSERT_TRUE(has_status(post_receipt(bob, "m.read", event), 200));
    const Response marker = sync_until_receipt(alice, "m.read", event, bob);
    EXPECT_TRUE(find_receipt(marker, "m.read", event, carol).is_null()) << marker;
}

// security-cases.tsv 32
CONFORMANCE_TEST(ReceiptsTest,
                 {.id = "cs/receipts/event-of-another-room-is-not-read-here",
                  .place = kReceiptsPlace,
                  .text = "A receipt is of an event in the room: of another's, nobody sees it."}) {
    const RoomId other = bob.create_room();
    const EventId elsewhere = bob.send_message(other, "elsewhere");
    const EventId event = alice.send_message(room, "read me");

    const Response response = post_receipt(bob, "m.read", elsewhere);

    EXPECT_SHOULD(response.is_error()) << response;
    ASSERT_TRUE(has_status(post_receipt(bob, "m.read", event), 200));
    const Response marker = sync_until_receipt(alice, "m.read", event, bob);
    EXPECT_TRUE(find_receipt(marker, "m.read", elsewhere, bob).is_null()) << marker;
}

CONFORMANCE_TEST(
    ReceiptsTest,
    {.id = "cs/receipts/fully-read-is-account-data",
     .place = kPostReceiptPlace,
     .text = "m.fully_read is set as by /read_markers: it is account data of the room, "
             "and does not appear under m.receipt."}) {
    const EventId event = alice.send_message(room, "read me");

    ASSERT_TRUE(has_status(post_receipt(bob, "m.fully_read", event), 200));

    const Response sync = bob.sync_until([&](const Response& one) {
        for (const Json& data : at_path(joined_room(one, room), {"account_data", "events"})) {
            if (string_at(data, {"type"}) == "m.fully_read" &&
                string_at(data, {"content", "event_id"}) == event.text()) {
                return true;
            }
        }
        return false;
    });
    EXPECT_TRUE(find_receipt(sync, "m.fully_read", event, bob).is_null()) << sync;
}

CONFORMANCE_TEST(ReceiptsTest,
                 {.id = "cs/receipts/read-markers-set-receipts",
                  .place = "client-server-api/#post_matrixclientv3roomsroomidread_markers",
                  .text = "`m.read` of /read_markers is equivalent to a receipt."}) {
    const EventId event = alice.send_message(room, "read me");

    const Response response = bob.post(room_path(room, {"read_markers"}),
                                       {{"m.fully_read", event.text()}, {"m.read", event.text()}});

    ASSERT_TRUE(has_status(response, 200));
    sync_until_receipt(alice, "m.read", event, bob);
}

}  // namespace matrix::conformance
