// Requests for what is not there.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#unsupported-endpoints

#include "conformance/harness/federation_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kUnsupportedPlace = "server-server-api/#unsupported-endpoints";

struct UnknownPath {
    std::string_view name;
    std::string_view path;
};
constexpr UnknownPath kUnknownFederationPaths[] = {
    {"endpoint", "/_matrix/federation/v1/no_such_endpoint"},
    {"version", "/_matrix/federation/v99/version"},
    {"key_endpoint", "/_matrix/key/v2/no_such_endpoint"},
};

}  // namespace

CONFORMANCE_TEST(FederationTest,
                 {.id = "ss/unsupported_endpoint/is-404",
                  .place = kUnsupportedPlace,
                  .text = "A request for an unknown endpoint is 404 M_UNRECOGNIZED.",
                  .rows = rows_of(kUnknownFederationPaths)}) {
    ASSERT_TRUE(has_status(peer.get("/_matrix/federation/v1/version"), 200));

    const Response response = peer.get(row_of(kUnknownFederationPaths).path);

    EXPECT_TRUE(is_error(response, 404, "M_UNRECOGNIZED"));
}

CONFORMANCE_TEST(FederationTest,
                 {.id = "ss/unsupported_endpoint/wrong-method-is-405",
                  .place = kUnsupportedPlace,
                  .text = "An unsupported method of a known endpoint is 405 M_UNRECOGNIZED.",
                  .since = "v1.4"}) {
    ASSERT_TRUE(has_status(peer.get("/_matrix/federation/v1/version"), 200));

    const Response response = peer.put("/_matrix/federation/v1/version", Json::object());

    EXPECT_TRUE(is_error(response, 405, "M_UNRECOGNIZED"));
}

}  // namespace matrix::conformance
