// Requests that no endpoint takes.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#api-standards

#include "conformance/harness/conformance_test.h"

namespace matrix::conformance {

CONFORMANCE_TEST(ConformanceTest,
                 {.id = "cs/unknown_endpoint/is-404-m-unrecognized",
                  .place = "client-server-api/#common-error-codes",
                  .text = "A request to an endpoint that the server does not implement is refused "
                          "with 404 M_UNRECOGNIZED."}) {
    const Response response = target.anonymous().get("/_matrix/client/v3/no_such_endpoint");

    EXPECT_TRUE(is_error(response, 404, "M_UNRECOGNIZED"));
}

CONFORMANCE_TEST(ConformanceTest,
                 {.id = "cs/unknown_endpoint/wrong-method-is-405-m-unrecognized",
                  .place = "client-server-api/#common-error-codes",
                  .text = "A request with a method that the endpoint does not have is refused with "
                          "405 M_UNRECOGNIZED."}) {
    ASSERT_TRUE(has_status(target.anonymous().get("/_matrix/client/versions"), 200));

    const Response response = target.anonymous().put("/_matrix/client/versions", Json::object());

    EXPECT_TRUE(is_error(response, 405, "M_UNRECOGNIZED"));
}

}  // namespace matrix::conformance
