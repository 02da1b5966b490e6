#include "conformance/harness/reporter.h"

#include <algorithm>
#include <cstdio>

#include "conformance/harness/steps.h"
#include "conformance/harness/test_context.h"
#include "refserver/base/assert.h"

namespace matrix::conformance {
namespace {

// A server that ends again and again is not worth more.
constexpr int kRestartsMax = 10;
constexpr std::chrono::milliseconds kEndDeadline{500};
constexpr std::string_view kStopped = "an earlier test failed (--fail-fast)";

std::int64_t unix_time_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string where_of(const testing::TestPartResult& result) {
    if (result.file_name() == nullptr) return "the harness";
    std::string file = result.file_name();
    const std::size_t root = file.rfind("/conformance/");
    if (root != std::string::npos) file.erase(0, root + 1);
    return file + ":" + std::to_string(result.line_number());
}

std::string without_prefix(std::string_view text, std::string_view prefix) {
    if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
    while (text.ends_with('\n'))
        text.remove_suffix(1);
    return std::string(text);
}

}  // namespace

std::string id_of(const testing::TestInfo& info) {
    return std::string(info.test_suite_name()) + "/" + info.name();
}

Reporter::Reporter(ReporterOptions options, Session& session, std::map<std::string, Case> cases)
    : options_(std::move(options)),
      session_(session),
      cases_(std::move(cases)),
      file_(options_.records_file, std::ios::app | std::ios::binary) {
    if (!file_) failure_ = options_.records_file + ": cannot be written";
    TestContext& context = test_context();
    context = {.target = &session.target(), .log = &session.log(), .identity = &session.identity()};
}

Reporter::~Reporter() {
    test_context() = {};
}

void Reporter::write_run(records::Record run) {
    append(run);
}

void Reporter::append(const records::Record& record) {
    // One write and a flush: a crash of ours leaves whole lines, and at most one cut off.
    file_ << records::write(record) + "\n" << std::flush;
    if (!file_) failure_ = options_.records_file + ": cannot be written";
    records_.push_back(record);
}

void Reporter::OnTestStart(const testing::TestInfo& info) {
    const Case& one = cases_.at(id_of(info));
    test_context().current = &one;
    if (is_stopped_) return;
    show_progress(one.id());
    static_cast<void>(session_.log().take());
    begin_ = std::chrono::steady_clock::now();
    const auto attempt = options_.attempts.find(one.id());
    current_ = {.run = options_.run,
                .kind = "test",
                .id = one.id(),
                .attempt = attempt == options_.attempts.end() ? 1 : attempt->second,
                .time_ms = unix_time_ms(),
                .level = std::string(name_of(one.requirement().level)),
                .place = spec_url(one.requirement().place),
                .requirement = std::string(one.text()),
                .since = std::string(one.requirement().since),
                .repeat = options_.repeat_prefix + "'" + one.id() + "'"};
    has_failed_ = false;
}

void Reporter::OnTestPartResult(const testing::TestPartResult& result) {
    const std::string message = mask_secrets(std::string(result.message()));
    if (result.skipped()) {
        current_.outcome = records::Outcome::Skipped;
        current_.is_untested = message.starts_with(kUntestedMark);
        current_.reason = without_prefix(message, kUntestedMark);
    } else if (result.failed()) {
        has_failed_ = true;
        current_.findings.push_back({.is_warning = false,
                                     .where = where_of(result),
                                     .message = without_prefix(message, "")});
    } else if (message.starts_with(kWarningMark)) {
        current_.findings.push_back({.is_warning = true,
                                     .where = where_of(result),
                                     .message = without_prefix(message, kWarningMark)});
    }
    // Ends the test also when a helper of it asserted. GoogleTest's own reports of an exception
    // have no file, and come from a place that must not throw.
    const bool ends_test = result.fatally_failed() || result.skipped();
    if (ends_test && result.file_name() != nullptr) throw testing::AssertionException(result);
}

void Reporter::OnTestEnd(const testing::TestInfo&) {
    ++done_count_;
    if (is_stopped_) return;
    using std::chrono::milliseconds;
    current_.duration_ms =
        std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin_).count();
    finish(current_);
    append(current_);
    show(current_);
    const bool is_bad = current_.outcome == records::Outcome::Failed ||
                        current_.outcome == records::Outcome::Crashed;
    if (is_bad && options_.fail_fast) {
        is_stopped_ = true;
        test_context().lost_target = kStopped;
    } else if (current_.outcome == records::Outcome::Crashed) {
        go_on_after_crash(current_.reason);
    }
}

void Reporter::finish(records::Record& record) {
    std::vector<records::Exchange> exchanges = session_.log().take();
    if (record.outcome == records::Outcome::Skipped && !has_failed_) return;
    record.exchanges = std::move(exchanges);
    const std::string crash = test_context().lost_target.empty() ? find_crash(record) : "";
    if (!crash.empty()) {
        record.outcome = records::Outcome::Crashed;
        record.reason = crash;
    } else if (has_failed_) {
        record.outcome =
            record.level == "MUST" ? records::Outcome::Failed : records::Outcome::Warned;
    } else if (!record.findings.empty()) {
        record.outcome = records::Outcome::Warned;
    } else {
        record.exchanges.clear();  // Proof is needed only for what did not pass.
    }
}

std::string Reporter::find_crash(const records::Record& record) {
    if (const auto end = session_.find_end()) return "the server " + *end;
    const bool was_silent = std::ranges::any_of(record.exchanges, [](const records::Exchange& one) {
        return one.status == 0 && one.who != "target";
    });
    if (!has_failed_ || !was_silent || session_.target().is_answering()) return {};
    // A process that ends closes its connections a moment before it can be waited for.
    std::optional<std::string> end;
    eventually(kEndDeadline, [&] { return (end = session_.find_end()).has_value(); });
    return "the server " + end.value_or("stopped answering");
}

void Reporter::go_on_after_crash(const std::string& how) {
    ++restart_count_;
    const std::string problem = restart_count_ > kRestartsMax
                                    ? "it has crashed " + std::to_string(restart_count_) + " times"
                                    : session_.restart();
    if (problem.empty()) {
        test_context().target = &session_.target();
        std::printf("  the server was started again\n");
    } else {
        test_context().lost_target =
            "not run: " + how + " in " + current_.id + " (" + problem + ")";
    }
}

void Reporter::show_progress(const std::string& id) {
    if (!options_.is_terminal) return;
    std::printf("\r\033[K[%zu/%zu] %s", done_count_ + 1, cases_.size(), id.c_str());
    std::fflush(stdout);
}

void Reporter::show(const records::Record& record) {
    const bool is_quiet =
        record.outcome == records::Outcome::Passed || record.outcome == records::Outcome::Skipped;
    if (options_.is_terminal) std::printf("\r\033[K");
    if (!is_quiet) {
        std::printf("%s\n", records::to_failure_text(record, options_.colours).c_str());
    } else if (!options_.is_terminal) {
        std::printf("[%zu/%zu] %s %s (%lld ms)\n",
                    done_count_,
                    cases_.size(),
                    std::string(name_of(record.outcome)).c_str(),
                    record.id.c_str(),
                    static_cast<long long>(record.duration_ms));
    }
    std::fflush(stdout);
}

}  // namespace matrix::conformance
