// Access tokens: whoami, logout, and requests without a good one.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#using-access-tokens

#include "conformance/harness/conformance_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kWhoamiPath = "/_matrix/client/v3/account/whoami";

}  // namespace

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/whoami/tells-user-and-device",
                  .place = "client-server-api/#get_matrixclientv3accountwhoami",
                  .text = "whoami tells the user id and the device id of the token."}) {
    const Client alice = target.make_user("alice");

    const Response response = alice.get(kWhoamiPath);

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(string_at(response.body, {"user_id"}), alice.user().text());
    EXPECT_EQ(string_at(response.body, {"device_id"}), alice.device().text());
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/access_token/missing-is-401-m-missing-token",
                  .place = "client-server-api/#using-access-tokens",
                  .text = "A request without a required access token is refused with 401 "
                          "M_MISSING_TOKEN."}) {
    ASSERT_TRUE(has_status(target.make_user("alice").get(kWhoamiPath), 200));

    EXPECT_TRUE(is_error(target.anonymous().get(kWhoamiPath), 401, "M_MISSING_TOKEN"));
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/access_token/unknown-is-401-m-unknown-token",
                  .place = "client-server-api/#using-access-tokens",
                  .text = "A request with an unrecognised access token is refused with 401 "
                          "M_UNKNOWN_TOKEN."}) {
    const Client alice = target.make_user("alice");
    ASSERT_TRUE(has_status(alice.get(kWhoamiPath), 200));

    EXPECT_TRUE(is_error(
        alice.with_token(alice.access_token() + "x").get(kWhoamiPath), 401, "M_UNKNOWN_TOKEN"));
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/logout/ends-the-token",
                  .place = "client-server-api/#post_matrixclientv3logout",
                  .text = "After a logout the access token is no longer valid."}) {
    const Client alice = target.make_user("alice");
    ASSERT_TRUE(has_status(alice.get(kWhoamiPath), 200));

    ASSERT_TRUE(has_status(alice.post("/_matrix/client/v3/logout"), 200));

    EXPECT_TRUE(is_error(alice.get(kWhoamiPath), 401, "M_UNKNOWN_TOKEN"));
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/logout/leaves-other-devices-alone",
                  .place = "client-server-api/#post_matrixclientv3logout",
                  .text = "A logout ends the token of the request, not those of other devices."}) {
    const Client alice = target.make_user("alice");
    const Client phone = target.log_in(alice);

    ASSERT_TRUE(has_status(alice.post("/_matrix/client/v3/logout"), 200));

    EXPECT_TRUE(has_status(phone.get(kWhoamiPath), 200));
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/logout/all-ends-every-token",
                  .place = "client-server-api/#post_matrixclientv3logoutall",
                  .text = "logout/all ends all access tokens of the user."}) {
    const Client alice = target.make_user("alice");
    const Client phone = target.log_in(alice);

    ASSERT_TRUE(has_status(alice.post("/_matrix/client/v3/logout/all"), 200));

    EXPECT_TRUE(is_error(alice.get(kWhoamiPath), 401, "M_UNKNOWN_TOKEN"));
    EXPECT_TRUE(is_error(phone.get(kWhoamiPath), 401, "M_UNKNOWN_TOKEN"));
}

}  // namespace matrix::conformance
