// How a test waits, and how it ends early.
//
// The run installs a listener that turns each fatal failure and each skip into GoogleTest's
// AssertionException, so that a helper can end the test that called it.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "conformance/harness/response.h"

namespace matrix::conformance {

/// Ends the test as failed: a step that it builds on was refused.
[[noreturn]] void fail_step(const std::string& what);
[[noreturn]] void fail_step(const std::string& what, const Response& response);
/// Ends the test as failed unless the response is 200.
void expect_step(const std::string& what, const Response& response);

/// Ends the test as skipped because the requirement does not apply to this target.
[[noreturn]] void skip_unsupported(const std::string& reason);
/// Ends the test as skipped because it cannot be judged here; a MUST that is skipped so keeps the
/// run from succeeding.
[[noreturn]] void skip_untested(const std::string& reason);

/// Asks again and again until `is_done` or the deadline; says which. For what has no way to be
/// waited for: prefer `Client::sync_until` and `Peer::wait_for_*`.
bool eventually(std::chrono::milliseconds deadline, const std::function<bool()>& is_done);

// How the reporter tells these results of GoogleTest from others: the first bytes of the message.
inline constexpr std::string_view kUntestedMark = "[untested] ";
inline constexpr std::string_view kWarningMark = "[warning] ";

/// Records a warning: a SHOULD that is not kept. Use EXPECT_SHOULD.
class Warning {
public:
    Warning(const char* condition, const char* file, int line);
    ~Warning();
    Warning(const Warning&) = delete;
    Warning& operator=(const Warning&) = delete;
    template <class T>
    Warning& operator<<(const T& value) {
        message_ << value;
        return *this;
    }

private:
    testing::Message message_;
    const char* file_;
    int line_;
};

}  // namespace matrix::conformance

/// `EXPECT_SHOULD(response.errcode == "M_INVALID_PARAM") << response;` warns, and does not fail.
#define EXPECT_SHOULD(condition)  \
    GTEST_AMBIGUOUS_ELSE_BLOCKER_ \
    if (condition) {              \
    } else                        \
        ::matrix::conformance::Warning(#condition, __FILE__, __LINE__)
