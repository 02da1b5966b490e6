#include "conformance/harness/federation_test.h"

#include "conformance/harness/test_context.h"

namespace matrix::conformance {

FederationTest::FederationTest() : peer(*test_context().identity, target, *test_context().log) {
    if (!peer.failure().empty()) skip_untested("the peer: " + peer.failure());
}

std::unique_ptr<Peer> FederationTest::make_peer() {
    auto other = std::make_unique<Peer>(*test_context().identity, target, *test_context().log);
    if (!other->failure().empty()) skip_untested("another peer: " + other->failure());
    return other;
}

}  // namespace matrix::conformance
