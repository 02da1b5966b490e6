// The keys that a server publishes.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#publishing-keys

#include <chrono>

#include "conformance/harness/federation_test.h"
#include "refserver/protocol/base64.h"
#include "refserver/protocol/server_keys.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kKeyServerPlace = "server-server-api/#get_matrixkeyv2server";
constexpr std::string_view kKeyServerPath = "/_matrix/key/v2/server";

class KeyServer : public FederationTest {
protected:
    const Response response = peer.send_unsigned({.target = std::string(kKeyServerPath)});
};

}  // namespace

CONFORMANCE_TEST(KeyServer,
                 {.id = "ss/key_server/names-itself",
                  .place = kKeyServerPlace,
                  .text = "`server_name` is the name of the homeserver."}) {
    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(string_at(response.body, {"server_name"}), target.server_name().text());
}

CONFORMANCE_TEST(KeyServer,
                 {.id = "ss/key_server/is-signed-by-each-of-its-keys",
                  .place = kKeyServerPlace,
                  .text = "The response is signed with each key of `verify_keys`."}) {
    ASSERT_TRUE(has_status(response, 200));
    ASSERT_FALSE(response.at({"verify_keys"}).empty()) << response;

    const auto keys = parse_server_keys(to_protocol_object(response.body), ed25519_verifier());

    EXPECT_TRUE(keys) << keys.error();
}

CONFORMANCE_TEST(KeyServer,
                 {.id = "ss/key_server/is-valid-now",
                  .place = kKeyServerPlace,
                  .text = "`valid_until_ts` is the time until which the keys are valid."}) {
    using std::chrono::milliseconds;
    using std::chrono::system_clock;
    ASSERT_TRUE(has_status(response, 200));

    const Json& until = response.at({"valid_until_ts"});

    ASSERT_TRUE(until.is_number_integer()) << response;
    const auto now =
        std::chrono::duration_cast<milliseconds>(system_clock::now().time_since_epoch());
    EXPECT_GT(until.get<std::int64_t>(), now.count()) << "keys that have expired cannot be used";
}

}  // namespace matrix::conformance
