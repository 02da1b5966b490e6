// Devices and keys of the target's users, asked for by another server.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#end-to-end-encryption

#include <algorithm>

#include "conformance/harness/device_identity.h"
#include "conformance/harness/federation_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kUserDevicesPlace =
    "server-server-api/#get_matrixfederationv1userdevicesuserid";
constexpr std::string_view kKeysQueryPlace =
    "server-server-api/#post_matrixfederationv1userkeysquery";
constexpr std::string_view kKeysClaimPlace =
    "server-server-api/#post_matrixfederationv1userkeysclaim";

class UserKeys : public FederationTest {
protected:
    // The target must have /keys/upload; else the test is skipped.
    void upload(const Json& keys) const {
        const Response response = alice.post("/_matrix/client/v3/keys/upload", keys);
        if (response.errcode == "M_UNRECOGNIZED")
            skip_unsupported("the target has no /keys/upload");
        expect_step("uploading keys", response);
    }
    Json device_keys() const { return DeviceIdentity(alice.user(), alice.device()).device_keys(); }
    Response user_devices(const UserId& user) {
        return peer.get("/_matrix/federation/v1/user/devices/" + escape(user.view()));
    }
    Response query(const Json& asked) {
        return peer.post("/_matrix/federation/v1/user/keys/query", {{"device_keys", asked}});
    }
    Response claim(const Json& asked) {
        return peer.post("/_matrix/federation/v1/user/keys/claim", {{"one_time_keys", asked}});
    }
    // Of alice's device.
    Response claim_one() {
        return claim({{alice.user().text(), {{alice.device().text(), "signed_curve25519"}}}});
    }

    const Client alice = target.make_user("alice");
};

}  // namespace

CONFORMANCE_TEST(UserKeys,
                 {.id = "ss/user_devices/tells-of-a-local-user",
                  .place = kUserDevicesPlace,
                  .text = "The answer names the user, the version of the list, and the devices, of "
                          "which there may be none."}) {
    const Response response = user_devices(alice.user());

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(string_at(response.body, {"user_id"}), alice.user().text());
    EXPECT_TRUE(response.at({"stream_id"}).is_number_integer()) << response;
    EXPECT_TRUE(response.at({"devices"}).is_array()) << response;
    EXPECT_TRUE(user_devices(UserId("@nobody-is-here:" + target.server_name().text())).is_error());
    EXPECT_TRUE(user_devices(peer.user("bob")).is_error()) << "not a user of the target";
}

CONFORMANCE_TEST(UserKeys,
                 {.id = "ss/user_devices/has-the-uploaded-keys",
                  .place = kUserDevicesPlace,
                  .text = "The devices have the keys that they uploaded."}) {
    const Json keys = device_keys();
    upload({{"device_keys", keys}});

    const Response response = user_devices(alice.user());

    ASSERT_TRUE(has_status(response, 200));
    ASSERT_EQ(response.at({"devices"}).size(), 1U) << response;
    const Json& device = response.at({"devices"})[0];
    EXPECT_EQ(string_at(device, {"device_id"}), alice.device().text());
    EXPECT_EQ(at_path(device, {"keys", "keys"}), keys["keys"]) << response;
}

CONFORMANCE_TEST(UserKeys,
                 {.id = "ss/user_keys_query/answers-for-local-users",
                  .place = kKeysQueryPlace,
                  .text = "Users who are asked for are local to the server; an answer has "
                          "`device_keys`."}) {
    const Response response = query({{alice.user().text(), Json::array()}});

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_TRUE(response.at({"device_keys"}).is_object()) << response;
    // UNSPECIFIED: whether a user of another server is an error or has no keys.
    const Response foreign = query({{peer.user("bob").text(), Json::array()}});
    EXPECT_TRUE(foreign.is_error() ||
                at_path(foreign.body, {"device_keys", peer.user("bob").view()}).empty())
        << foreign;
    EXPECT_TRUE(query({{alice.user().text(), "all"}}).is_error());
}

CONFORMANCE_TEST(UserKeys,
                 {.id = "ss/user_keys_query/gives-the-uploaded-keys",
                  .place = kKeysQueryPlace,
                  .text = "For each device that is asked for the answer has what it uploaded."}) {
    const Json keys = device_keys();
    upload({{"device_keys", keys}});

    const Response all = query({{alice.user().text(), Json::array()}});
    const Response other = query({{alice.user().text(), {"NOSUCHDEVICE"}}});

    ASSERT_TRUE(has_status(all, 200));
    const Json& given = all.at({"device_keys", alice.user().view(), alice.device().view()});
    EXPECT_EQ(at_path(given, {"keys"}), keys["keys"]) << all;
    EXPECT_EQ(at_path(given, {"signatures"}), keys["signatures"]) << all;
    ASSERT_TRUE(has_status(other, 200));
    EXPECT_TRUE(other.at({"device_keys", alice.user().view(), alice.device().view()}).is_null())
        << other;
}

CONFORMANCE_TEST(UserKeys,
                 {.id = "ss/user_keys_claim/of-nothing-is-empty",
                  .place = kKeysClaimPlace,
                  .text = "Where no key can be found, the answer has none."}) {
    const Response response = claim_one();

    ASSERT_TRUE(has_status(response, 200));
    const Json& given = response.at({"one_time_keys", alice.user().view(), alice.device().view()});
    EXPECT_TRUE(given.is_null() || given.empty()) << response;
    EXPECT_TRUE(claim({{alice.user().text(), "all"}}).is_error());
}

CONFORMANCE_TEST(UserKeys,
                 {.id = "ss/user_keys_claim/gives-each-key-once",
                  .place = kKeysClaimPlace,
                  .text = "Each one-time key is returned at most once, and when none is left the "
                          "fallback key is."}) {
    const auto key = [](std::string_view value) {
        return Json{{"key", value}, {"signatures", Json::object()}};
    };
    upload(
        {{"device_keys", device_keys()},
         {"one_time_keys", {{"signed_curve25519:A", key("a")}, {"signed_curve25519:B", key("b")}}},
         {"fallback_keys", {{"signed_curve25519:F", key("f")}}}});

    std::vector<std::string> given;
    for (int i = 0; i < 4; ++i) {
        const Response response = claim_one();
        ASSERT_TRUE(has_status(response, 200));
        const Json& keys =
            response.at({"one_time_keys", alice.user().view(), alice.device().view()});
        ASSERT_EQ(keys.size(), 1U) << response;
        given.push_back(keys.begin().key());
    }

    std::ranges::sort(given.begin(), given.begin() + 2);
    EXPECT_EQ(given,
              (std::vector<std::string>{"signed_curve25519:A",
                                        "signed_curve25519:B",
                                        "signed_curve25519:F",
                                        "signed_curve25519:F"}));
}

}  // namespace matrix::conformance
