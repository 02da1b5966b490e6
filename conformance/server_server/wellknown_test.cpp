// The name to which a server delegates.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#getwell-knownmatrixserver

#include "conformance/harness/federation_test.h"

namespace matrix::conformance {

CONFORMANCE_TEST(FederationTest,
                 {.id = "ss/wellknown/names-a-server-or-is-404",
                  .place = "server-server-api/#getwell-knownmatrixserver",
                  .text = "`m.server` is the server name to delegate to, with an optional port. "
                          "A server that delegates nothing has no such document."}) {
    const Response response = peer.send_unsigned({.target = "/.well-known/matrix/server"});

    if (response.status == 404) return;
    ASSERT_TRUE(has_status(response, 200));
    const auto name = parse_server_name(string_at(response.body, {"m.server"}));
    EXPECT_TRUE(name) << name.error() << " in " << response;
}

}  // namespace matrix::conformance
