// What a run lends to its tests.
//
// GoogleTest constructs fixtures without arguments, so this stands in one place, set by the run
// before each test and by nobody else.
#pragma once

#include "conformance/harness/declarations.h"
#include "conformance/harness/exchange_log.h"
#include "conformance/harness/peer.h"
#include "conformance/harness/target.h"

namespace matrix::conformance {

struct TestContext {
    Target* target = nullptr;
    ExchangeLog* log = nullptr;
    const PeerIdentity* identity = nullptr;
    const Case* current = nullptr;
    /// Set when there is no server any more: every test is skipped with this reason.
    std::string lost_target;
};
TestContext& test_context();

}  // namespace matrix::conformance
