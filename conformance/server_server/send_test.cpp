// Transactions from another server.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#transactions

#include <algorithm>

#include "conformance/server_server/shared_room.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kTransactionPlace = "server-server-api/#put_matrixfederationv1sendtxnid";
constexpr std::size_t kPdusMax = 50;

class SendTransaction : public PeerRoomTest {
protected:
    Response put_transaction(const std::string& id, const std::vector<Pdu>& pdus) {
        return peer.put(
            "/_matrix/federation/v1/send/" + id,
            {{"origin", peer.name().text()}, {"origin_server_ts", 1}, {"pdus", to_json(pdus)}});
    }
    // Messages that follow each other, signed and in the peer's copy of the room.
    std::vector<Pdu> make_messages(std::size_t count) {
        std::vector<Pdu> messages;
        for (std::size_t i = 0; i < count; ++i) {
            messages.push_back(peer.sign(draft_message(std::to_string(i))));
            room.add(messages.back());
        }
        return messages;
    }
};

struct NoJson {
    std::string_view name;
    std::string_view text_of_body;
};
constexpr NoJson kNoJson[] = {
    {"nan", R"({"pdus":[],"origin_server_ts":NaN})"},
    {"infinity", R"({"pdus":[],"origin_server_ts":Infinity})"},
    {"cut_off", R"({"pdus":[)"},
    {"not_utf8", "{\"pdus\":[],\"x\":\"\xff\"}"},
    {"empty", ""},
};

}  // namespace

CONFORMANCE_TEST(SendTransaction,
                 {.id = "ss/send/event-reaches-the-clients",
                  .place = kTransactionPlace,
                  .text = "Each PDU of a transaction is processed: members on the receiving server "
                          "see the event.",
                  .rows = room_version_rows()}) {
    const Pdu message =
        peer.send(room, creator, "m.room.message", {{"msgtype", "m.text"}, {"body", "over here"}});

    const Json event = alice.sync_until_event(room.id(), message.id());

    EXPECT_EQ(string_at(event, {"content", "body"}), "over here");
    EXPECT_EQ(string_at(event, {"sender"}), creator.text());
}

CONFORMANCE_TEST(SendTransaction,
                 {.id = "ss/send/state-event-changes-the-state",
                  .place = "server-server-api/#room-state-resolution",
                  .text = "A state event that is accepted into the room updates its state.",
                  .rows = room_version_rows()}) {
    const Pdu name = peer.send(room, creator, "m.room.name", {{"name", "renamed"}}, "");

    alice.sync_until_event(room.id(), name.id());

    EXPECT_EQ(string_at(alice.state(room.id(), "m.room.name"), {"name"}), "renamed");
}

CONFORMANCE_TEST(SendTransaction,
                 {.id = "ss/send/result-names-each-event",
                  .place = kTransactionPlace,
                  .text = "`pdus` of the response are the results by event id; one without an "
                          "`error` was handled."}) {
    const std::vector<Pdu> messages = make_messages(2);

    const Response response = peer.send_transaction(messages);

    ASSERT_TRUE(has_status(response, 200));
    for (const Pdu& message : messages) {
        EXPECT_TRUE(response.at({"pdus", message.id().view()}).is_object()) << response;
        EXPECT_TRUE(is_accepted(response, message.id()));
    }
}

CONFORMANCE_TEST(SendTransaction,
                 {.id = "ss/send/repeated-transaction-is-answered-the-same",
                  .place = kTransactionPlace,
                  .text = "A transaction that is sent again under its id is answered as before, "
                          "and its events are there once."}) {
    const std::vector<Pdu> messages = make_messages(1);
    const std::string id = Client::make_transaction_id();

    const Response first = put_transaction(id, messages);
    const Response second = put_transaction(id, messages);

    ASSERT_TRUE(has_status(first, 200));
    ASSERT_TRUE(has_status(second, 200));
    EXPECT_EQ(first.body, second.body);
    ASSERT_TRUE(is_shown_by_now(messages[0].id()));
    const Response page = alice.get(room_path(room.id(), {"messages"}) + "?dir=b&limit=50");
    const Json& chunk = page.at({"chunk"});
    EXPECT_EQ(std::ranges::count_if(chunk,
                                    [&](const Json& event) {
                                        return string_at(event, {"event_id"}) ==
                                               messages[0].id().text();
                                    }),
              1)
        << page;
}

CONFORMANCE_TEST(SendTransaction,
                 {.id = "ss/send/what-is-no-json-is-refused",
                  .place = kTransactionPlace,
                  .text = "A transaction that is no JSON is an error of its sender, and takes "
                          "nothing in (security-cases.tsv 21).",
                  .rows = rows_of(kNoJson)}) {
    const std::vector<Pdu> good = make_messages(1);
    const std::string path = "/_matrix/federation/v1/send/" + Client::make_transaction_id();
    const Json body = {{"origin", peer.name().text()}, {"origin_server_ts", 1}, {"pdus", {}}};
    HttpRequest request{.method = "PUT", .target = path};
    request.headers.push_back({"Authorization", peer.authorize("PUT", path, &body)});
    request.body = std::string(row_of(kNoJson).text_of_body);

    const Response response = peer.send_unsigned(request);

    EXPECT_GE(response.status, 400) << response;
    EXPECT_LT(response.status, 500) << response;
    ASSERT_TRUE(is_accepted(peer.send_transaction(good), good[0].id()));
}

CONFORMANCE_TEST(SendTransaction,
                 {.id = "ss/send/bad-event-costs-no-other",
                  .place = kTransactionPlace,
                  .text = "The response is 200 even if a PDU fails to be processed, and those "
                          "beside it are processed."}) {
    const auto stranger = make_ed25519_signer(peer.signer().key_id(), std::string(32, 'x'));
    const Pdu forged = sign_pdu(draft_message("forged"), peer.name(), *stranger);
    const std::vector<Pdu> good = make_messages(2);

    const Response response = peer.send_transaction({good[0], forged, good[1]});

    ASSERT_TRUE(has_status(response, 200));
    alice.sync_until_event(room.id(), good[1].id());
    EXPECT_TRUE(is_shown_by_now(good[0].id()));
    EXPECT_FALSE(is_shown_by_now(forged.id()));
}

CONFORMANCE_TEST(SendTransaction,
                 {.id = "ss/send/unknown-edu-is-no-error",
                  .place = "server-server-api/#edus",
                  .text = "An EDU of an unknown type costs the PDUs beside it nothing."}) {
    const std::vector<Pdu> messages = make_messages(1);
    const Json edu = {{"edu_type", "org.example.unknown"}, {"content", {{"some", "thing"}}}};

    const Response response = peer.send_transaction(messages, Json::array({edu}));

    EXPECT_TRUE(is_accepted(response, messages[0].id()));
    alice.sync_until_event(room.id(), messages[0].id());
}

CONFORMANCE_TEST(SendTransaction,
                 {.id = "ss/send/takes-fifty-pdus",
                  .place = "server-server-api/#transactions",
                  .text = "A transaction has up to 50 PDUs."}) {
    const std::vector<Pdu> messages = make_messages(kPdusMax);

    const Response response = peer.send_transaction(messages);

    ASSERT_TRUE(has_status(response, 200));
    alice.sync_until_event(room.id(), messages.back().id());
}

CONFORMANCE_TEST(SendTransaction,
                 {.id = "ss/send/more-than-fifty-pdus-are-refused",
                  .level = Level::Should,
                  .place = "server-server-api/#transactions",
                  .text = "A transaction has at most 50 PDUs: one with more is refused."}) {
    std::vector<Pdu> messages = make_messages(1);
    ASSERT_TRUE(has_status(peer.send_transaction(messages), 200));
    messages = make_messages(kPdusMax + 1);

    const Response response = peer.send_transaction(messages);

    EXPECT_TRUE(has_status(response, 400));
}

}  // namespace matrix::conformance
