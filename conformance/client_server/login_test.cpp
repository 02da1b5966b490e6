// Logging in with a password.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#login

#include "conformance/harness/conformance_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kLoginPlace = "client-server-api/#post_matrixclientv3login";

Json password_login(const std::string& user, const std::string& password) {
    return {{"type", "m.login.password"},
            {"identifier", {{"type", "m.id.user"}, {"user", user}}},
            {"password", password}};
}

struct LoginName {
    std::string name;
    std::string text;
    std::string (*of)(const UserId&);
};
const std::vector<LoginName> kLoginNames = {
    {"localpart",
     "The `user` of an m.id.user identifier may be the localpart.",
     [](const UserId& user) { return std::string(user.localpart()); }},
    {"user-id",
     "The `user` of an m.id.user identifier may be the fully qualified user id.",
     [](const UserId& user) { return user.text(); }},
};

}  // namespace

CONFORMANCE_TEST(ConformanceTest,
                 {.id = "cs/login/lists-flows",
                  .place = "client-server-api/#get_matrixclientv3login",
                  .text = "GET /login lists the supported flows, each with a `type`."}) {
    const Response response = target.anonymous().get("/_matrix/client/v3/login");

    ASSERT_TRUE(has_status(response, 200));
    ASSERT_TRUE(response.at({"flows"}).is_array()) << response;
    for (const Json& flow : response.at({"flows"})) {
        EXPECT_FALSE(string_at(flow, {"type"}).empty()) << flow;
    }
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/login/takes-a-password",
                  .place = kLoginPlace,
                  .text = "A login with the right password gives an access token of this user.",
                  .rows = rows_of(kLoginNames)}) {
    const Client alice = target.make_user("alice");

    const Response response = target.anonymous().post(
        "/_matrix/client/v3/login",
        password_login(row_of(kLoginNames).of(alice.user()), alice.password()));

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(string_at(response.body, {"user_id"}), alice.user().text());
    EXPECT_FALSE(string_at(response.body, {"device_id"}).empty()) << response;
    const Response whoami = alice.with_token(string_at(response.body, {"access_token"}))
                                .get("/_matrix/client/v3/account/whoami");
    ASSERT_TRUE(has_status(whoami, 200));
    EXPECT_EQ(string_at(whoami.body, {"user_id"}), alice.user().text());
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/login/refuses-a-wrong-password",
                  .place = kLoginPlace,
                  .text = "Login data that is not right is refused with 403 M_FORBIDDEN."}) {
    const Client alice = target.make_user("alice");
    const std::string user(alice.user().localpart());
    const Client nobody = target.anonymous();

    const Response right =
        nobody.post("/_matrix/client/v3/login", password_login(user, alice.password()));
    const Response wrong =
        nobody.post("/_matrix/client/v3/login", password_login(user, alice.password() + "x"));

    ASSERT_TRUE(has_status(right, 200));
    EXPECT_TRUE(is_error(wrong, 403, "M_FORBIDDEN"));
}

}  // namespace matrix::conformance
