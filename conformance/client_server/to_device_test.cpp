// Messages from one device to others.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#send-to-device-messaging

#include "conformance/harness/conformance_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kToDevicePlace =
    "client-server-api/#put_matrixclientv3sendtodeviceeventtypetxnid";
constexpr std::string_view kToDeviceServerPlace = "client-server-api/#send-to-device-messaging";
constexpr std::string_view kMessageType = "org.touchstone.message";

class ToDevice : public ClientTest {
protected:
    Response send(const Client& sender,
                  const Client& receiver,
                  std::string_view device,
                  const std::string& text,
                  const std::string& transaction = Client::make_transaction_id()) const {
        const Json content = {{"text", text}};
        return sender.put(
            "/_matrix/client/v3/sendToDevice/" + std::string(kMessageType) + "/" + transaction,
            {{"messages", {{receiver.user().text(), {{device, content}}}}}});
    }
    void must_send(const Client& sender, const Client& receiver, const std::string& text) const {
        expect_step("sending to a device", send(sender, receiver, receiver.device().view(), text));
    }
    // The texts of our messages in a sync, in their order.
    static std::vector<std::string> texts_in(const Response& sync) {
        std::vector<std::string> texts;
        for (const Json& event : sync.at({"to_device", "events"})) {
            if (string_at(event, {"type"}) == kMessageType) {
                texts.push_back(string_at(event, {"content", "text"}));
            }
        }
        return texts;
    }
    static std::string next_batch(const Response& sync) {
        return string_at(sync.body, {"next_batch"});
    }
    /// All that comes up to the message `last`, each sync following on the one before.
    static std::vector<std::string> receive_until(const Client& client,
                                                  const std::string& last,
                                                  std::string since) {
        std::vector<std::string> all;
        eventually(kDeadline, [&] {
            const Response sync =
                client.sync({.since = since, .timeout = std::chrono::milliseconds(1000)});
            expect_step("a sync", sync);
            since = next_batch(sync);
            const auto texts = texts_in(sync);
            all.insert(all.end(), texts.begin(), texts.end());
            return std::ranges::find(all, last) != all.end();
        });
        return all;
    }

    const Client alice = target.make_user("alice");
    const Client bob = target.make_user("bob");
};
using Texts = std::vector<std::string>;

}  // namespace

CONFORMANCE_TEST(ToDevice,
                 {.id = "cs/to_device/message-comes-with-a-sync",
                  .place = kToDevicePlace,
                  .text = "A message to a device is in its next sync, with sender, type and "
                          "content."}) {
    const std::string since = bob.sync_token();

    ASSERT_TRUE(has_status(send(alice, bob, bob.device().view(), "hello"), 200));

    const Response sync = bob.sync_until(
        [](const Response& response) { return !texts_in(response).empty(); }, {.since = since});
    const Json& event = sync.at({"to_device", "events"})[0];
    EXPECT_EQ(string_at(event, {"sender"}), alice.user().text());
    EXPECT_EQ(string_at(event, {"type"}), kMessageType);
    EXPECT_EQ(string_at(event, {"content", "text"}), "hello");
}

CONFORMANCE_TEST(ToDevice,
                 {.id = "cs/to_device/wakes-a-sync-that-waits",
                  .place = "client-server-api/#syncing",
                  .text = "A sync that waits returns when a message to its device comes."}) {
    const std::string since = bob.sync_token();
    std::future<Response> waiting =
        bob.start({.target = "/_matrix/client/v3/sync?timeout=30000&since=" + escape(since),
                   .timeout = std::chrono::milliseconds(40'000)});

    must_send(alice, bob, "wake up");

    EXPECT_EQ(texts_in(waiting.get()), Texts{"wake up"});
}

CONFORMANCE_TEST(ToDevice,
                 {.id = "cs/to_device/only-the-named-device-gets-it",
                  .place = kToDevicePlace,
                  .text = "A message is for the device that it names, not for others of the "
                          "user."}) {
    const Client other = target.log_in(bob);
    const std::string since = other.sync_token();
    must_send(alice, bob, "for one");
    must_send(alice, other, "for the other");

    EXPECT_EQ(receive_until(other, "for the other", since), Texts{"for the other"});
}

CONFORMANCE_TEST(ToDevice,
                 {.id = "cs/to_device/star-is-every-device",
                  .place = kToDevicePlace,
                  .text = "The device id `*` stands for all devices of the user."}) {
    const Client other = target.log_in(bob);
    const std::string since = bob.sync_token();
    const std::string other_since = other.sync_token();

    ASSERT_TRUE(has_status(send(alice, bob, "*", "to all"), 200));

    EXPECT_EQ(receive_until(bob, "to all", since), Texts{"to all"});
    EXPECT_EQ(receive_until(other, "to all", other_since), Texts{"to all"});
}

CONFORMANCE_TEST(ToDevice,
                 {.id = "cs/to_device/transaction-counts-once",
                  .place = "client-server-api/#transaction-identifiers",
                  .text = "A request that repeats a transaction id sends nothing again."}) {
    const std::string since = bob.sync_token();
    const std::string transaction = Client::make_transaction_id();

    ASSERT_TRUE(has_status(send(alice, bob, bob.device().view(), "once", transaction), 200));
    ASSERT_TRUE(has_status(send(alice, bob, bob.device().view(), "once", transaction), 200));
    must_send(alice, bob, "marker");

    EXPECT_EQ(receive_until(bob, "marker", since), (Texts{"once", "marker"}));
}

CONFORMANCE_TEST(ToDevice,
                 {.id = "cs/to_device/come-in-order-of-arrival",
                  .place = kToDeviceServerPlace,
                  .text = "Pending messages are listed in the order of their arrival."}) {
    const std::string since = bob.sync_token();
    Texts sent;
    for (int number = 0; number < 10; ++number) {
        sent.push_back("message " + std::to_string(number));
        must_send(alice, bob, sent.back());
    }

    EXPECT_EQ(receive_until(bob, sent.back(), since), sent);
}

CONFORMANCE_TEST(ToDevice,
                 {.id = "cs/to_device/acknowledged-by-the-next-sync",
                  .place = kToDeviceServerPlace,
                  .text = "Messages stay until a sync with the `next_batch` that came with them, "
                          "and are delivered no more after that."}) {
    const std::string since = bob.sync_token();
    must_send(alice, bob, "first");

    const Response sync = bob.sync_until(
        [](const Response& response) { return !texts_in(response).empty(); }, {.since = since});
    const Response repeated = bob.sync({.since = since});
    EXPECT_EQ(texts_in(repeated), Texts{"first"}) << "nobody has acknowledged it yet";
    must_send(alice, bob, "second");

    EXPECT_EQ(receive_until(bob, "second", next_batch(sync)), Texts{"second"});
    EXPECT_EQ(texts_in(bob.sync()), Texts{"second"}) << "the first was acknowledged";
}

CONFORMANCE_TEST(ToDevice,
                 {.id = "cs/to_device/long-queues-come-in-parts",
                  .place = kToDeviceServerPlace,
                  .text = "Of a large queue each sync has a part (100 messages are recommended), "
                          "and the syncs together have all of it, in order."}) {
    constexpr int kMessages = 130;
    const std::string since = bob.sync_token();
    Texts sent;
    for (int number = 0; number < kMessages; ++number) {
        sent.push_back("message " + std::to_string(number));
        must_send(alice, bob, sent.back());
    }
    // A room that was entered meanwhile is not lost by the parting.
    const RoomId room = bob.create_room();

    const Response first = bob.sync({.since = since});
    EXPECT_SHOULD(texts_in(first).size() <= 100) << first;
    Texts received = texts_in(first);
    const Response second = bob.sync({.since = next_batch(first)});
    const auto rest = texts_in(second);
    received.insert(received.end(), rest.begin(), rest.end());
    if (received.size() < sent.size()) {
        const auto more = receive_until(bob, sent.back(), next_batch(second));
        received.insert(received.end(), more.begin(), more.end());
    }

    EXPECT_EQ(received, sent);
    EXPECT_TRUE(!joined_room(first, room).is_null() || !joined_room(second, room).is_null() ||
                !bob.sync_until([&](const Response& response) {
                        return !joined_room(response, room).is_null();
                    })
                     .body.is_null());
}

CONFORMANCE_TEST(ToDevice,
                 {.id = "cs/to_device/wants-messages",
                  .place = kToDevicePlace,
                  .text = "`messages` is required, and holds an object for each user and "
                          "device."}) {
    const std::string path = "/_matrix/client/v3/sendToDevice/m.x/";
    const std::string user = bob.user().text();

    EXPECT_TRUE(alice.put(path + Client::make_transaction_id(), Json::object()).is_error());
    EXPECT_TRUE(alice.put(path + Client::make_transaction_id(), {{"messages", {{user, "all"}}}})
                    .is_error());
    EXPECT_TRUE(has_status(alice.put(path + Client::make_transaction_id(),
                                     {{"messages", {{user, {{"NOBODY", Json::object()}}}}}}),
                           200))
        << "a device that is not there is no error";
}

}  // namespace matrix::conformance
