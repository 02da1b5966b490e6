#include "conformance/harness/conformance_test.h"

#include "conformance/harness/test_context.h"
#include "refserver/base/assert.h"

namespace matrix::conformance {
namespace {

// Ends the test as skipped if this target or machine cannot show what it asks.
Target& check_needs() {
    const TestContext& context = test_context();
    MATRIX_ASSERT(context.target != nullptr);
    if (!context.lost_target.empty()) skip_untested(context.lost_target);
    Target& target = *context.target;
    const Case& current = *context.current;
    const std::string since(current.requirement().since);
    if (!target.claims_version(since)) {
        skip_unsupported("the server claims no version of the specification from " + since + " on");
    }
    if (const Row* row = current.row(); row != nullptr && !row->room_version.empty()) {
        if (!target.has_room_version(row->room_version)) {
            skip_unsupported("the server does not support room version " + row->room_version);
        }
    }
    for (const Capability capability : current.needs()) {
        const std::string obstacle = target.obstacle_to(capability);
        if (obstacle.empty()) continue;
        const std::string reason = std::string(name_of(capability)) + ": " + obstacle;
        // That not everybody may register is a choice that the specification allows.
        if (capability == Capability::OpenRegistration) skip_unsupported(reason);
        skip_untested(reason);
    }
    return target;
}

}  // namespace

TestContext& test_context() {
    static TestContext context;
    return context;
}

ConformanceTest::ConformanceTest() : target(check_needs()) {}

const std::string& ConformanceTest::row_name() const {
    const Row* row = test_context().current->row();
    MATRIX_ASSERT(row != nullptr);
    return row->name;
}

const std::string& ConformanceTest::room_version() const {
    const Row* row = test_context().current->row();
    MATRIX_ASSERT(row != nullptr);
    return row->room_version;
}

std::size_t ConformanceTest::row_index() const {
    return test_context().current->row_index;
}

}  // namespace matrix::conformance
