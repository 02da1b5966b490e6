// A user's devices.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#device-management

#include "conformance/client_server/authenticated_request.h"
#include "conformance/harness/conformance_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kDevicesPath = "/_matrix/client/v3/devices";

std::string device_path(std::string_view device) {
    return std::string(kDevicesPath) + "/" + escape(device);
}

/// The element of the list of devices with this id; null if it is not there.
const Json& find_listed(const Response& list, const DeviceId& device) {
    static const Json kNothing;
    for (const Json& one : list.at({"devices"})) {
        if (string_at(one, {"device_id"}) == device.text()) return one;
    }
    return kNothing;
}

}  // namespace

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/device_management/lists-all-devices",
                  .place = "client-server-api/#get_matrixclientv3devices",
                  .text = "The list has every device of the user, and nobody else's."}) {
    const Client alice = target.make_user("alice");
    const Client second = target.log_in(alice);
    const Client bob = target.make_user("bob");

    const Response list = alice.get(kDevicesPath);

    ASSERT_TRUE(has_status(list, 200));
    EXPECT_FALSE(find_listed(list, alice.device()).is_null()) << list;
    EXPECT_FALSE(find_listed(list, second.device()).is_null()) << list;
    EXPECT_TRUE(find_listed(list, bob.device()).is_null()) << list;
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/device_management/name-can-be-changed",
                  .place = "client-server-api/#put_matrixclientv3devicesdeviceid",
                  .text = "A display name that was set is told by the device; without one in the "
                          "request it stays."}) {
    const Client alice = target.make_user("alice");
    const std::string path = device_path(alice.device().view());

    ASSERT_TRUE(has_status(alice.put(path, {{"display_name", "My telephone"}}), 200));
    const Response named = alice.get(path);
    ASSERT_TRUE(has_status(alice.put(path, Json::object()), 200));
    const Response unchanged = alice.get(path);

    ASSERT_TRUE(has_status(named, 200));
    EXPECT_EQ(string_at(named.body, {"device_id"}), alice.device().text());
    EXPECT_EQ(string_at(named.body, {"display_name"}), "My telephone");
    EXPECT_EQ(string_at(unchanged.body, {"display_name"}), "My telephone");
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/device_management/unknown-device-is-404",
                  .place = "client-server-api/#get_matrixclientv3devicesdeviceid",
                  .text = "A device that the user does not have is not found, also if another "
                          "user has it."}) {
    const Client alice = target.make_user("alice");
    const Client bob = target.make_user("bob");

    EXPECT_TRUE(has_status(alice.get(device_path("NO_SUCH_DEVICE")), 404));
    EXPECT_TRUE(has_status(alice.put(device_path("NO_SUCH_DEVICE"), {{"display_name", "x"}}), 404));
    EXPECT_TRUE(has_status(alice.get(device_path(bob.device().view())), 404));
    EXPECT_TRUE(
        has_status(alice.put(device_path(bob.device().view()), {{"display_name", "x"}}), 404));
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/device_management/deleting-wants-authentication",
                  .place = "client-server-api/#delete_matrixclientv3devicesdeviceid",
                  .text = "Deleting a device uses user-interactive authentication; after it the "
                          "device and its access tokens are gone."}) {
    const Client alice = target.make_user("alice");
    const Client second = target.log_in(alice);
    const std::string path = device_path(second.device().view());

    const Response first = alice.send({.method = "DELETE", .target = path, .body = "{}"});
    ASSERT_TRUE(has_status(first, 401));
    EXPECT_TRUE(first.at({"flows"}).is_array()) << first;
    EXPECT_TRUE(has_status(second.get(kDevicesPath), 200)) << "nothing has happened yet";
    const Response deleted = send_authenticated(alice, "DELETE", path, Json::object());

    ASSERT_TRUE(has_status(deleted, 200));
    EXPECT_TRUE(is_error(second.get(kDevicesPath), 401, "M_UNKNOWN_TOKEN"));
    EXPECT_TRUE(has_status(alice.get(path), 404));
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/device_management/several-can-be-deleted",
                  .place = "client-server-api/#post_matrixclientv3delete_devices",
                  .text = "Several devices are deleted in one request; one that is not there is no "
                          "error."}) {
    const Client alice = target.make_user("alice");
    const Client second = target.log_in(alice);
    const Client third = target.log_in(alice);

    const Response deleted = send_authenticated(
        alice,
        "POST",
        "/_matrix/client/v3/delete_devices",
        {{"devices", {second.device().text(), third.device().text(), "NO_SUCH_DEVICE"}}});

    ASSERT_TRUE(has_status(deleted, 200));
    EXPECT_TRUE(is_error(second.get(kDevicesPath), 401, "M_UNKNOWN_TOKEN"));
    EXPECT_TRUE(is_error(third.get(kDevicesPath), 401, "M_UNKNOWN_TOKEN"));
    EXPECT_TRUE(has_status(alice.get(kDevicesPath), 200));
}

}  // namespace matrix::conformance
