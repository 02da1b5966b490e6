// EDUs about devices, in both directions: messages to them, changes of their lists and of
// cross-signing keys.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#device-management

#include <algorithm>

#include "conformance/harness/device_identity.h"
#include "conformance/server_server/shared_room.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kDeviceListPlace = "server-server-api/#device-management";
constexpr std::string_view kDirectToDevicePlace = "server-server-api/#send-to-device-messaging";
constexpr std::string_view kSigningUpdatePlace = "server-server-api/#end-to-end-encryption";

class DeviceEdus : public TargetRoomTest {
protected:
    DeviceEdus() {
        alice.send_state(room, "m.room.encryption", "", {{"algorithm", "m.megolm.v1.aes-sha2"}});
    }
    static void upload_keys(const Client& client, const Json& keys) {
        const Response response = client.post("/_matrix/client/v3/keys/upload", keys);
        if (response.errcode == "M_UNRECOGNIZED")
            skip_unsupported("the target has no /keys/upload");
        expect_step("uploading keys", response);
    }
    std::optional<Json> wait_for_update(const Client& client, std::string_view member = "keys") {
        const auto edu = peer.wait_for_edu("m.device_list_update", [&](const Json& content) {
            return string_at(content, {"user_id"}) == client.user().text() &&
                   string_at(content, {"device_id"}) == client.device().text() &&
                   content.contains(member);
        });
        return edu;
    }

    // What the peer sends.

    Response send_edu(std::string_view type, const Json& content) {
        return peer.send_transaction({}, Json::array({{{"edu_type", type}, {"content", content}}}));
    }
    Json message(std::string_view text, const UserId& sender) const {
        return {{"sender", sender.text()},
                {"type", "org.touchstone.message"},
                {"message_id", Client::make_transaction_id().substr(0, 32)},
                {"messages", {{alice.user().text(), {{alice.device().text(), {{"text", text}}}}}}}};
    }
    /// The texts of messages that reach alice, up to `last`.
    std::vector<std::string> texts_until(const std::string& last, std::string since) const {
        std::vector<std::string> texts;
        eventually(kDeadline, [&] {
            const Response sync =
                alice.sync({.since = since, .timeout = std::chrono::milliseconds(1000)});
            expect_step("a sync", sync);
            since = string_at(sync.body, {"next_batch"});
            for (const Json& event : sync.at({"to_device", "events"}))
                texts.push_back(string_at(event, {"content", "text"}));
            return std::ranges::find(texts, last) != texts.end();
        });
        return texts;
    }
    static bool is_changed(const Response& sync, const UserId& user) {
        const Json& users = sync.at({"device_lists", "changed"});
        return users.is_array() && std::ranges::find(users, Json(user.text())) != users.end();
    }
    Json update(const DeviceIdentity& device, int stream_id, const Json& previous) const {
        return {{"user_id", device.user().text()},
                {"device_id", device.device().text()},
                {"stream_id", stream_id},
                {"prev_id", previous},
                {"keys", device.device_keys()}};
    }
};
using Texts = std::vector<std::string>;

}  // namespace

// --- Messages to devices -------------------------------------------------------------------------

CONFORMANCE_TEST(DeviceEdus,
                 {.id = "ss/edus/message-goes-to-the-other-server",
                  .place = kDirectToDevicePlace,
                  .text = "A message to a device of a remote user is sent to his server as "
                          "`m.direct_to_device`, with sender, type, an id of at most 32 code "
                          "points, and the messages."}) {
    for (const std::string text : {"first", "second"}) {
        const Json messages = {{bob.text(), {{"BOBSDEVICE", {{"text", text}}}}}};
        expect_step("sending to a device",
                    alice.put("/_matrix/client/v3/sendToDevice/org.touchstone.message/" +
                                  Client::make_transaction_id(),
                              {{"messages", messages}}));
    }

    std::set<std::string> ids;
    for (const std::string text : {"first", "second"}) {
        const auto edu = peer.wait_for_edu("m.direct_to_device", [&](const Json& content) {
            return string_at(content, {"messages", bob.view(), "BOBSDEVICE", "text"}) == text;
        });
        ASSERT_TRUE(edu) << text << " did not come";
        const Json& content = *edu;
        EXPECT_EQ(string_at(content, {"sender"}), alice.user().text());
        EXPECT_EQ(string_at(content, {"type"}), "org.touchstone.message");
        const std::string id = string_at(content, {"message_id"});
        EXPECT_FALSE(id.empty());
        EXPECT_LE(id.size(), 32U * 4) << "at most 32 code points";
        ids.insert(id);
    }
    EXPECT_EQ(ids.size(), 2U) << "each message has an id of its own";
}

CONFORMANCE_TEST(DeviceEdus,
                 {.id = "ss/edus/message-reaches-the-device",
                  .place = kDirectToDevicePlace,
                  .text = "A message from another server reaches the device, with its sender and "
                          "type."}) {
    const std::string since = alice.sync_token();

    ASSERT_TRUE(has_status(send_edu("m.direct_to_device", message("hello", bob)), 200));

    const Response sync = alice.sync_until(
        [](const Response& response) {
            return response.at({"to_device", "events"}).is_array() &&
                   !response.at({"to_device", "events"}).empty();
        },
        {.since = since});
    const Json& event = sync.at({"to_device", "events"})[0];
    EXPECT_EQ(string_at(event, {"sender"}), bob.text());
    EXPECT_EQ(string_at(event, {"type"}), "org.touchstone.message");
    EXPECT_EQ(string_at(event, {"content", "text"}), "hello");
}

CONFORMANCE_TEST(DeviceEdus,
                 {.id = "ss/edus/message-id-counts-once",
                  .place = kDirectToDevicePlace,
                  .text = "`message_id` is for idempotence: a message that comes again, in another "
                          "transaction, is not delivered again."}) {
    const std::string since = alice.sync_token();
    const Json once = message("once", bob);

    ASSERT_TRUE(has_status(send_edu("m.direct_to_device", once), 200));
    ASSERT_TRUE(has_status(send_edu("m.direct_to_device", once), 200));
    ASSERT_TRUE(has_status(send_edu("m.direct_to_device", message("marker", bob)), 200));

    EXPECT_EQ(texts_until("marker", since), (Texts{"once", "marker"}));
}

// Security case 31, of messages to devices.
CONFORMANCE_TEST(DeviceEdus,
                 {.id = "ss/edus/message-of-another-servers-user-is-dropped",
                  .place = kDirectToDevicePlace,
                  .text = "A server sends messages of its own users: one in the name of another's "
                          "is dropped, and what comes with it is not."}) {
    const std::string since = alice.sync_token();
    const UserId stranger("@eve:elsewhere.invalid");
    const auto edu = [&](const Json& content) {
        return Json{{"edu_type", "m.direct_to_device"}, {"content", content}};
    };

    const Response response = peer.send_transaction({},
                                                    {edu(message("spoofed", stranger)),
                                                     edu(message("own name", alice.user())),
                                                     edu({{"sender", 7}}),
                                                     edu(message("good", bob))});

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(texts_until("good", since), Texts{"good"});
}

// --- Changes of the target's devices -------------------------------------------------------------

CONFORMANCE_TEST(DeviceEdus,
                 {.id = "ss/edus/new-keys-are-told-to-the-servers-of-the-room",
                  .place = kDeviceListPlace,
                  .text = "A device list that changes is told by `m.device_list_update` to all "
                          "servers that share a room, with the device's keys."}) {
    const DeviceIdentity device(alice.user(), alice.device());
    const Json keys = device.device_keys();

    upload_keys(alice, {{"device_keys", keys}});

    const auto update = wait_for_update(alice);
    ASSERT_TRUE(update) << "no update came";
    EXPECT_TRUE(at_path(*update, {"stream_id"}).is_number_integer()) << *update;
    EXPECT_EQ(at_path(*update, {"keys", "keys"}), keys["keys"]) << *update;
    EXPECT_EQ(at_path(*update, {"keys", "signatures"}), keys["signatures"]) << *update;
}

CONFORMANCE_TEST(DeviceEdus,
                 {.id = "ss/edus/updates-are-a-sequence",
                  .place = kDeviceListPlace,
                  .text = "Each update has a `stream_id` of its own and names the one before in "
                          "`prev_id`; /user/devices has the newest."}) {
    const DeviceIdentity device(alice.user(), alice.device());
    upload_keys(alice, {{"device_keys", device.device_keys()}});
    const auto first = wait_for_update(alice);
    ASSERT_TRUE(first) << "no update came";

    expect_step("naming a device",
                alice.put("/_matrix/client/v3/devices/" + escape(alice.device().view()),
                          {{"display_name", "My telephone"}}));

    const auto named = peer.wait_for_edu("m.device_list_update", [&](const Json& content) {
        return string_at(content, {"device_display_name"}) == "My telephone";
    });
    ASSERT_TRUE(named) << "the new name is no update";
    const Json& second = *named;
    EXPECT_NE(at_path(second, {"stream_id"}), at_path(*first, {"stream_id"}));
    std::set<Json> known;
    for (const Json& update : peer.received_edus("m.device_list_update"))
        known.insert(at_path(update, {"stream_id"}));
    const Json& previous = at_path(second, {"prev_id"});
    EXPECT_TRUE(previous.is_array() && !previous.empty()) << second;
    for (const Json& stream_id : previous) {
        EXPECT_TRUE(known.contains(stream_id)) << stream_id << " was no update";
        EXPECT_NE(stream_id, at_path(second, {"stream_id"})) << second;
    }
    const Response list =
        peer.get("/_matrix/federation/v1/user/devices/" + escape(alice.user().view()));
    ASSERT_TRUE(has_status(list, 200));
    EXPECT_EQ(list.at({"stream_id"}), at_path(second, {"stream_id"})) << list;
}

CONFORMANCE_TEST(DeviceEdus,
                 {.id = "ss/edus/deleted-devices-are-told",
                  .place = kDeviceListPlace,
                  .text = "A device that is deleted is told of with `deleted`."}) {
    const Client second = target.log_in(alice);
    const DeviceIdentity device(second.user(), second.device());
    upload_keys(second, {{"device_keys", device.device_keys()}});
    ASSERT_TRUE(wait_for_update(second)) << "no update came";

    expect_step("logging out", second.post("/_matrix/client/v3/logout"));

    const auto update = wait_for_update(second, "deleted");
    ASSERT_TRUE(update) << "no update came";
    EXPECT_EQ(at_path(*update, {"deleted"}), true) << *update;
}

CONFORMANCE_TEST(DeviceEdus,
                 {.id = "ss/edus/joining-user-is-told-to-new-servers",
                  .place = kDeviceListPlace,
                  .text = "A user who joins a room has his devices told to servers there that did "
                          "not know of them."}) {
    const Client carol = target.make_user("carol");
    const DeviceIdentity device(carol.user(), carol.device());
    upload_keys(carol, {{"device_keys", device.device_keys()}});

    carol.join(room);

    EXPECT_TRUE(wait_for_update(carol, "stream_id")) << "no update came";
}

CONFORMANCE_TEST(DeviceEdus,
                 {.id = "ss/edus/new-signing-keys-are-told",
                  .place = kSigningUpdatePlace,
                  .text = "New cross-signing keys are told by `m.signing_key_update`, without the "
                          "user-signing key."}) {
    const CrossSigningIdentity keys(alice.user());
    expect_step("uploading cross-signing keys",
                alice.post("/_matrix/client/v3/keys/device_signing/upload", keys.upload()));

    const auto edu = peer.wait_for_edu("m.signing_key_update", [&](const Json& content) {
        return string_at(content, {"user_id"}) == alice.user().text();
    });

    ASSERT_TRUE(edu) << "no update came";
    const Json& content = *edu;
    EXPECT_EQ(at_path(content, {"master_key", "keys"}), keys.master_key()["keys"]) << content;
    EXPECT_EQ(at_path(content, {"self_signing_key"}), keys.self_signing_key()) << content;
    EXPECT_FALSE(content.contains("user_signing_key")) << content;
}

// --- Changes of the peer's devices ---------------------------------------------------------------

CONFORMANCE_TEST(DeviceEdus,
                 {.id = "ss/edus/remote-update-reaches-syncs",
                  .place = kDeviceListPlace,
                  .text = "An update of a remote user's devices puts him into "
                          "`device_lists.changed` of those who share a room."}) {
    const std::string since = alice.sync_token();

    ASSERT_TRUE(
        has_status(send_edu("m.device_list_update",
                            update(DeviceIdentity(bob, DeviceId("BOBS")), 5, Json::array())),
                   200));

    alice.sync_until([&](const Response& sync) { return is_changed(sync, bob); }, {.since = since});
}

CONFORMANCE_TEST(DeviceEdus,
                 {.id = "ss/edus/remote-signing-keys-reach-syncs",
                  .place = kSigningUpdatePlace,
                  .text = "An update of a remote user's cross-signing keys puts him into "
                          "`device_lists.changed` of those who share a room."}) {
    const CrossSigningIdentity keys(bob);
    const std::string since = alice.sync_token();

    ASSERT_TRUE(has_status(send_edu("m.signing_key_update",
                                    {{"user_id", bob.text()},
                                     {"master_key", keys.master_key()},
                                     {"self_signing_key", keys.self_signing_key()}}),
                           200));

    alice.sync_until([&](const Response& sync) { return is_changed(sync, bob); }, {.since = since});
}

CONFORMANCE_TEST(DeviceEdus,
                 {.id = "ss/edus/update-of-another-servers-user-is-dropped",
                  .place = kDeviceListPlace,
                  .text = "A server tells of its own users: an update of another's changes "
                          "nothing."}) {
    const Client carol = target.make_user("carol");
    carol.join(room);
    const DeviceIdentity device(carol.user(), carol.device());
    upload_keys(carol, {{"device_keys", device.device_keys()}});
    const CrossSigningIdentity keys(carol.user());
    const std::string since = alice.sync_token();
    const auto asked = [&] {
        return alice.post("/_matrix/client/v3/keys/query",
                          {{"device_keys", {{carol.user().text(), Json::array()}}}});
    };
    const Json before = asked().at({"device_keys"});

    const DeviceIdentity forged(carol.user(), DeviceId("FORGED"));
    ASSERT_TRUE(
        has_status(send_edu("m.device_list_update", update(forged, 5, Json::array())), 200));
    ASSERT_TRUE(
        has_status(send_edu("m.signing_key_update",
                            {{"user_id", carol.user().text()}, {"master_key", keys.master_key()}}),
                   200));
    ASSERT_TRUE(
        has_status(send_edu("m.device_list_update",
                            update(DeviceIdentity(bob, DeviceId("BOBS")), 5, Json::array())),
                   200));

    alice.sync_until([&](const Response& sync) { return is_changed(sync, bob); }, {.since = since});
    const Response after = asked();
    EXPECT_EQ(after.at({"device_keys"}), before) << after;
    EXPECT_TRUE(after.at({"master_keys", carol.user().view()}).is_null()) << after;
}

}  // namespace matrix::conformance
