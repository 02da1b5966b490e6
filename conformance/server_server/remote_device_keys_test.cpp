// Keys of users of other servers, asked for by the target's clients: what the target asks for, what
// it keeps, and when it asks anew.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#device-management

#include <atomic>

#include "conformance/harness/device_identity.h"
#include "conformance/server_server/shared_room.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kPeerQueryPath = "/_matrix/federation/v1/user/keys/query";
constexpr std::string_view kPeerClaimPath = "/_matrix/federation/v1/user/keys/claim";
constexpr std::string_view kPeerDevicesPath = "/_matrix/federation/v1/user/devices/";

class RemoteDeviceKeys : public TargetRoomTest {
protected:
    RemoteDeviceKeys() {
        alice.send_state(room, "m.room.encryption", "", {{"algorithm", "m.megolm.v1.aes-sha2"}});
        peer.on("POST", std::string(kPeerQueryPath), [this](const IncomingRequest&) {
            ++questions;
            const std::scoped_lock lock(mutex);
            Json devices = Json::object();
            for (const auto& [id, keys] : bobs_devices)
                devices[id] = keys;
            return respond(200, {{"device_keys", {{bob.text(), devices}, more_users}}});
        });
        peer.on("GET", std::string(kPeerDevicesPath), [this](const IncomingRequest&) {
            ++questions;
            const std::scoped_lock lock(mutex);
            Json devices = Json::array();
            for (const auto& [id, keys] : bobs_devices)
                devices.push_back({{"device_id", id}, {"keys", keys}});
            return respond(
                200, {{"user_id", bob.text()}, {"stream_id", stream_id}, {"devices", devices}});
        });
    }
    /// Bob has these devices from now on; nobody is told.
    void have_device(std::string_view id, int at_stream_id) {
        const DeviceIdentity device(bob, DeviceId(id));
        const std::scoped_lock lock(mutex);
        bobs_devices[std::string(id)] = device.device_keys();
        stream_id = at_stream_id;
    }
    void send_update(std::string_view id, int at_stream_id, const Json& previous) {
        const Json content = {{"user_id", bob.text()},
                              {"device_id", id},
                              {"stream_id", at_stream_id},
                              {"prev_id", previous},
                              {"keys", bobs_devices.at(std::string(id))}};
        expect_step(
            "sending an update",
            peer.send_transaction(
                {}, Json::array({{{"edu_type", "m.device_list_update"}, {"content", content}}})));
    }
    Response query() const {
        return alice.post("/_matrix/client/v3/keys/query",
                          {{"device_keys", {{bob.text(), Json::array()}}}});
    }
    bool shows(std::string_view device) const {
        return query().at({"device_keys", bob.view(), device}).is_object();
    }

    std::mutex mutex;
    std::map<std::string, Json> bobs_devices;
    std::pair<std::string, Json> more_users{"@nobody:elsewhere.invalid", Json::object()};
    int stream_id = 0;
    std::atomic<int> questions = 0;
};

}  // namespace

CONFORMANCE_TEST(RemoteDeviceKeys,
                 {.id = "ss/remote_device_keys/query-asks-the-users-server",
                  .place = "server-server-api/#post_matrixfederationv1userkeysquery",
                  .text = "Keys of a remote user come from his server, as it has them."}) {
    have_device("BOBS", 1);

    const Response response = query();

    ASSERT_TRUE(has_status(response, 200));
    Json given = response.at({"device_keys", bob.view(), "BOBS"});
    ASSERT_TRUE(given.is_object()) << response;
    given.erase("unsigned");
    EXPECT_EQ(given, bobs_devices.at("BOBS")) << response;
    EXPECT_GE(questions.load(), 1);
}

CONFORMANCE_TEST(RemoteDeviceKeys,
                 {.id = "ss/remote_device_keys/server-speaks-for-its-own-users",
                  .place = "server-server-api/#post_matrixfederationv1userkeysquery",
                  .text = "What a server answers of users of other servers, or under the name of "
                          "another device, is not passed on."}) {
    have_device("BOBS", 1);
    const Client carol = target.make_user("carol");
    const DeviceIdentity forged(carol.user(), DeviceId("FORGED"));
    more_users = {carol.user().text(), {{"FORGED", forged.device_keys()}}};
    {
        const std::scoped_lock lock(mutex);
        bobs_devices["OTHER"] = bobs_devices.at("BOBS");
    }

    const Response response = query();

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_TRUE(response.at({"device_keys", bob.view(), "BOBS"}).is_object()) << response;
    EXPECT_TRUE(response.at({"device_keys", carol.user().view(), "FORGED"}).is_null()) << response;
    EXPECT_SHOULD(response.at({"device_keys", bob.view(), "OTHER"}).is_null()) << response;
}

CONFORMANCE_TEST(RemoteDeviceKeys,
                 {.id = "ss/remote_device_keys/update-changes-what-is-shown",
                  .place = "server-server-api/#device-management",
                  .text = "After an update clients are given the changed list."}) {
    have_device("FIRST", 1);
    ASSERT_TRUE(shows("FIRST"));
    have_device("SECOND", 2);

    send_update("SECOND", 2, Json::array({1}));

    EXPECT_TRUE(eventually(kDeadline, [&] { return shows("SECOND"); }));
    EXPECT_TRUE(shows("FIRST"));
}

CONFORMANCE_TEST(RemoteDeviceKeys,
                 {.id = "ss/remote_device_keys/gap-is-filled-by-asking",
                  .place = "server-server-api/#device-management",
                  .text = "An update that refers to a `prev_id` that is not recognised has the "
                          "whole list asked for again."}) {
    have_device("FIRST", 1);
    ASSERT_TRUE(shows("FIRST"));
    have_device("MISSED", 7);
    have_device("LAST", 8);

    send_update("LAST", 8, Json::array({7}));

    EXPECT_TRUE(eventually(kDeadline, [&] { return shows("MISSED"); })) << "the update before it";
    EXPECT_TRUE(shows("LAST"));
}

CONFORMANCE_TEST(RemoteDeviceKeys,
                 {.id = "ss/remote_device_keys/nothing-is-kept-of-those-who-left",
                  .level = Level::Should,
                  .place = "client-server-api/#tracking-the-device-list-for-a-user",
                  .text = "Of a user with whom no room was shared for a while the list is asked "
                          "for anew."}) {
    have_device("FIRST", 1);
    ASSERT_TRUE(shows("FIRST"));
    peer.send(copy, bob, "m.room.member", {{"membership", "leave"}}, bob.text());
    EXPECT_TRUE(eventually(kDeadline, [&] { return alice.membership(room, bob) == "leave"; }));
    have_device("MEANWHILE", 2);

    EXPECT_TRUE(shows("MEANWHILE"));
}

CONFORMANCE_TEST(RemoteDeviceKeys,
                 {.id = "ss/remote_device_keys/claim-asks-the-users-server",
                  .place = "server-server-api/#post_matrixfederationv1userkeysclaim",
                  .text = "One-time keys of a remote user are claimed from his server, and nothing "
                          "else that it answers is passed on."}) {
    const DeviceIdentity device(bob, DeviceId("BOBS"));
    const Json key = device.one_time_key("a");
    peer.on("POST", std::string(kPeerClaimPath), [&](const IncomingRequest& request) {
        const Json asked = request.json();
        EXPECT_EQ(string_at(asked, {"one_time_keys", bob.view(), "BOBS"}), "signed_curve25519");
        const Json keys = {{"signed_curve25519:A", key}};
        return respond(200,
                       {{"one_time_keys",
                         {{bob.text(), {{"BOBS", keys}, {"UNASKED", keys}}},
                          {alice.user().text(), {{alice.device().text(), keys}}}}}});
    });

    const Response response =
        alice.post("/_matrix/client/v3/keys/claim",
                   {{"one_time_keys", {{bob.text(), {{"BOBS", "signed_curve25519"}}}}}});

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(response.at({"one_time_keys", bob.view(), "BOBS", "signed_curve25519:A"}), key)
        << response;
    EXPECT_TRUE(response.at({"one_time_keys", alice.user().view()}).is_null()) << response;
}

}  // namespace matrix::conformance
