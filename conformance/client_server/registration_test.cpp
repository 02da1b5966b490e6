// Making an account.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#account-registration

#include "conformance/harness/conformance_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kRegisterPath = "/_matrix/client/v3/register";
constexpr std::string_view kRegisterPlace = "client-server-api/#post_matrixclientv3register";

std::string fresh_localpart() {
    return "reg" + Client::make_transaction_id();
}

Json dummy_registration(const std::string& localpart) {
    return {{"username", localpart},
            {"password", "correct horse battery staple"},
            {"auth", {{"type", "m.login.dummy"}}}};
}

// Registers by the stages of one session, as a client does that does not know them beforehand.
Response register_in_stages(const Client& nobody, Json body) {
    body.erase("auth");
    const Response asked = nobody.post(kRegisterPath, body);
    if (asked.status != 401) return asked;
    body["auth"] = {{"type", "m.login.dummy"}, {"session", string_at(asked.body, {"session"})}};
    return nobody.post(kRegisterPath, body);
}

struct BadUsername {
    std::string name;
    std::string username;
};
const std::vector<BadUsername> kBadUsernames = {
    {"upper-case-and-space", "Not Valid"},
    {"colon", "a:b"},
    {"non-ascii", "\xc3\xa4"},
};

}  // namespace

CONFORMANCE_TEST(ConformanceTest,
                 {.id = "cs/registration/asks-for-interactive-authentication",
                  .place = "client-server-api/#user-interactive-api-in-the-rest-api",
                  .text = "A request without `auth` is answered 401 with `flows` and a `session`.",
                  .needs = {Capability::OpenRegistration}}) {
    Json body = dummy_registration(fresh_localpart());
    body.erase("auth");

    const Response response = target.anonymous().post(kRegisterPath, body);

    ASSERT_TRUE(has_status(response, 401));
    EXPECT_TRUE(response.at({"flows"}).is_array()) << response;
    EXPECT_FALSE(string_at(response.body, {"session"}).empty()) << response;
}

CONFORMANCE_TEST(
    ConformanceTest,
    {.id = "cs/registration/gives-a-working-access-token",
     .place = kRegisterPlace,
     .text = "A completed registration gives a user id, a device id and an access token "
             "that works.",
     .needs = {Capability::OpenRegistration}}) {
    const Client nobody = target.anonymous();
    const std::string localpart = fresh_localpart();

    const Response response = register_in_stages(nobody, dummy_registration(localpart));

    ASSERT_TRUE(has_status(response, 200));
    const std::string user = string_at(response.body, {"user_id"});
    EXPECT_EQ(user, "@" + localpart + ":" + target.server_name().text());
    EXPECT_FALSE(string_at(response.body, {"device_id"}).empty()) << response;
    const Response whoami = nobody.with_token(string_at(response.body, {"access_token"}))
                                .get("/_matrix/client/v3/account/whoami");
    EXPECT_EQ(string_at(whoami.body, {"user_id"}), user);
}

CONFORMANCE_TEST(ConformanceTest,
                 {.id = "cs/registration/inhibit-login-gives-no-token",
                  .place = kRegisterPlace,
                  .text = "With `inhibit_login` true no access token and no device is returned.",
                  .needs = {Capability::OpenRegistration}}) {
    Json body = dummy_registration(fresh_localpart());
    body["inhibit_login"] = true;

    const Response response = register_in_stages(target.anonymous(), body);

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_FALSE(response.body.contains("access_token")) << response;
    EXPECT_FALSE(response.body.contains("device_id")) << response;
}

CONFORMANCE_TEST(ConformanceTest,
                 {.id = "cs/registration/keeps-the-given-device-id",
                  .place = kRegisterPlace,
                  .text = "A `device_id` that the client gives is the id of the new device.",
                  .needs = {Capability::OpenRegistration}}) {
    Json body = dummy_registration(fresh_localpart());
    body["device_id"] = "MYDEVICE";

    const Response response = register_in_stages(target.anonymous(), body);

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(string_at(response.body, {"device_id"}), "MYDEVICE") << response;
}

CONFORMANCE_TEST(ConformanceTest,
                 {.id = "cs/registration/refuses-a-taken-name",
                  .place = kRegisterPlace,
                  .text = "A user id that is taken is refused with 400 M_USER_IN_USE.",
                  .needs = {Capability::OpenRegistration}}) {
    const Client nobody = target.anonymous();
    const Json body = dummy_registration(fresh_localpart());
    ASSERT_TRUE(has_status(register_in_stages(nobody, body), 200));

    EXPECT_TRUE(is_error(register_in_stages(nobody, body), 400, "M_USER_IN_USE"));
}

CONFORMANCE_TEST(ConformanceTest,
                 {.id = "cs/registration/refuses-an-invalid-name",
                  .place = kRegisterPlace,
                  .text = "A username that makes no valid user id is refused with 400 "
                          "M_INVALID_USERNAME.",
                  .needs = {Capability::OpenRegistration},
                  .rows = rows_of(kBadUsernames)}) {
    const Client nobody = target.anonymous();
    ASSERT_TRUE(has_status(register_in_stages(nobody, dummy_registration(fresh_localpart())), 200));
    const Json body = dummy_registration(row_of(kBadUsernames).username);

    EXPECT_TRUE(is_error(register_in_stages(nobody, body), 400, "M_INVALID_USERNAME"));
}

CONFORMANCE_TEST(ConformanceTest,
                 {.id = "cs/registration/says-whether-a-name-is-available",
                  .place = "client-server-api/#get_matrixclientv3registeravailable",
                  .text = "A free name is available; a taken one is 400 M_USER_IN_USE.",
                  .needs = {Capability::OpenRegistration}}) {
    const Client nobody = target.anonymous();
    const std::string localpart = fresh_localpart();
    const std::string query = "/_matrix/client/v3/register/available?username=" + localpart;

    const Response before = nobody.get(query);
    ASSERT_TRUE(has_status(register_in_stages(nobody, dummy_registration(localpart)), 200));
    const Response after = nobody.get(query);

    ASSERT_TRUE(has_status(before, 200));
    EXPECT_EQ(before.at({"available"}), Json(true)) << before;
    EXPECT_TRUE(is_error(after, 400, "M_USER_IN_USE"));
}

}  // namespace matrix::conformance
