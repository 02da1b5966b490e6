// The fixture of server-server tests: a peer of its own for each test.
#pragma once

#include "conformance/harness/conformance_test.h"
#include "conformance/harness/peer.h"

namespace matrix::conformance {

class FederationTest : public ConformanceTest {
public:
    static std::vector<Capability> fixture_needs() {
        return {Capability::Users, Capability::Federation};
    }

protected:
    FederationTest();

    /// Another server beside `peer`; the test needs Capability::SeveralPeers.
    std::unique_ptr<Peer> make_peer();

    Peer peer;
};

}  // namespace matrix::conformance
