// OpenID: a user proves to a third party who he is.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#openid

#include "conformance/harness/federation_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kUserinfoPlace =
    "server-server-api/#get_matrixfederationv1openiduserinfo";

class OpenId : public FederationTest {
protected:
    Response request_token(const Client& client, const UserId& user) const {
        return client.post("/_matrix/client/v3/user/" + escape(user.view()) +
                           "/openid/request_token");
    }
    Response ask(std::string_view token) {
        return peer.send_unsigned(
            {.target = "/_matrix/federation/v1/openid/userinfo?access_token=" + escape(token)});
    }

    const Client alice = target.make_user("alice");
};

}  // namespace

CONFORMANCE_TEST(OpenId,
                 {.id = "ss/openid/tells-whose-the-token-is",
                  .place = kUserinfoPlace,
                  .text = "A token of /openid/request_token is exchanged for the id of its user, "
                          "without any authentication."}) {
    const Response given = request_token(alice, alice.user());
    ASSERT_TRUE(has_status(given, 200));
    EXPECT_EQ(string_at(given.body, {"token_type"}), "Bearer");
    EXPECT_EQ(string_at(given.body, {"matrix_server_name"}), target.server_name().text());
    EXPECT_TRUE(given.at({"expires_in"}).is_number_integer()) << given;

    const Response response = ask(string_at(given.body, {"access_token"}));

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(string_at(response.body, {"sub"}), alice.user().text());
}

CONFORMANCE_TEST(OpenId,
                 {.id = "ss/openid/unknown-token-is-401",
                  .place = kUserinfoPlace,
                  .text = "A token that is not known is 401 M_UNKNOWN_TOKEN, also an access token "
                          "for the client-server API (security-cases.tsv 50)."}) {
    const std::string token = string_at(request_token(alice, alice.user()).body, {"access_token"});
    ASSERT_TRUE(has_status(ask(token), 200));

    EXPECT_TRUE(is_error(ask("no-such-token"), 401, "M_UNKNOWN_TOKEN"));
    EXPECT_TRUE(is_error(ask(alice.access_token()), 401, "M_UNKNOWN_TOKEN"));
    EXPECT_EQ(peer.send_unsigned({.target = "/_matrix/federation/v1/openid/userinfo"}).status, 401);
}

CONFORMANCE_TEST(OpenId,
                 {.id = "cs/openid/token-is-good-for-nothing-else",
                  .place = "client-server-api/#post_matrixclientv3useruseridopenidrequest_token",
                  .text = "The token is valid for the OpenID API alone, and is given to its user "
                          "alone."}) {
    const std::string token = string_at(request_token(alice, alice.user()).body, {"access_token"});
    ASSERT_TRUE(has_status(ask(token), 200));
    const Client bob = target.make_user("bob");

    EXPECT_TRUE(is_error(
        alice.with_token(token).get("/_matrix/client/v3/account/whoami"), 401, "M_UNKNOWN_TOKEN"));
    EXPECT_TRUE(is_error(request_token(bob, alice.user()), 403, "M_FORBIDDEN"));
}

}  // namespace matrix::conformance
