// The name and version of the software.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1version

#include "conformance/harness/federation_test.h"

namespace matrix::conformance {

CONFORMANCE_TEST(FederationTest,
                 {.id = "ss/version/is-told-without-authentication",
                  .place = "server-server-api/#get_matrixfederationv1version",
                  .text = "Anybody may ask for the name and version of the implementation; both "
                          "are strings."}) {
    const Response response = peer.send_unsigned({.target = "/_matrix/federation/v1/version"});

    ASSERT_TRUE(has_status(response, 200));
    for (const char* field : {"name", "version"}) {
        const Json& value = response.at({"server", field});
        EXPECT_TRUE(value.is_null() || value.is_string()) << field << " in " << response;
    }
}

}  // namespace matrix::conformance
