#include "conformance/harness/steps.h"

#include <thread>

namespace matrix::conformance {
namespace {

// How often `eventually` asks: often enough not to slow tests, seldom enough not to be the load.
constexpr std::chrono::milliseconds kPollInterval{20};

// Records a result that ends the test: the run's listener throws. Where there is no such listener
// (a unit test of the harness), this throws itself.
[[noreturn]] void end_test(testing::TestPartResult::Type type, const std::string& message) {
    testing::internal::AssertHelper(type, "", -1, message.c_str()) = testing::Message();
    throw testing::AssertionException(testing::TestPartResult(type, "", -1, message.c_str()));
}

}  // namespace

void fail_step(const std::string& what) {
    end_test(testing::TestPartResult::kFatalFailure, what);
}
void fail_step(const std::string& what, const Response& response) {
    fail_step(what + ": " + testing::PrintToString(response));
}
void expect_step(const std::string& what, const Response& response) {
    if (response.status != 200) fail_step(what, response);
}

void skip_unsupported(const std::string& reason) {
    end_test(testing::TestPartResult::kSkip, reason);
}
void skip_untested(const std::string& reason) {
    end_test(testing::TestPartResult::kSkip, std::string(kUntestedMark) + reason);
}

bool eventually(std::chrono::milliseconds deadline, const std::function<bool()>& is_done) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    while (!is_done()) {
        if (std::chrono::steady_clock::now() >= end) return false;
        std::this_thread::sleep_for(kPollInterval);
    }
    return true;
}

Warning::Warning(const char* condition, const char* file, int line) : file_(file), line_(line) {
    message_ << kWarningMark << "SHOULD not kept: " << condition << "\n";
}
Warning::~Warning() {
    testing::internal::AssertHelper(
        testing::TestPartResult::kSuccess, file_, line_, message_.GetString().c_str()) =
        testing::Message();
}

}  // namespace matrix::conformance
