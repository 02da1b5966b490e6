#include "conformance/harness/run.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <expected>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

#include <sodium.h>
#include <unistd.h>

#include "conformance/harness/html_report.h"
#include "conformance/harness/reporter.h"
#include "conformance/harness/session.h"
#include "conformance/records/views.h"
#include "refserver/base/assert.h"

namespace matrix::conformance {
namespace {

namespace fs = std::filesystem;

ExitCode complain(const std::string& what) {
    std::cerr << "conformance: " << what << "\n";
    return ExitCode::Usage;
}

std::expected<std::vector<records::Record>, std::string> read_records(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::unexpected(path + ": cannot be read");
    std::expected<records::Stream, std::string> stream = records::read(file, path);
    if (!stream) return std::unexpected(stream.error());
    for (const std::string& warning : stream->warnings)
        std::cerr << warning << "\n";
    return std::move(stream->records);
}

// What --rerun-failed repeats: the run to go on with, and the tests with their next attempts.
struct Rerun {
    std::string run;
    std::map<std::string, int> attempts;
};

std::expected<Rerun, std::string> read_rerun(const std::string& path) {
    const auto all = read_records(path);
    if (!all) return std::unexpected(all.error());
    Rerun rerun;
    std::int64_t newest = 0;
    for (const records::Record& record : *all) {
        if (record.time_ms < newest) continue;
        newest = record.time_ms;
        rerun.run = record.run;
    }
    for (const records::Record& test : records::latest_tests(*all)) {
        const bool is_bad =
            test.outcome == records::Outcome::Failed || test.outcome == records::Outcome::Crashed;
        if (is_bad) rerun.attempts[test.id] = test.attempt + 1;
    }
    return rerun;
}

std::string make_run_id() {
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&now, &utc);
    char text[32];
    std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc);
    static constexpr std::string_view kHex = "0123456789abcdef";
    std::string id = std::string(text) + "-";
    for (int i = 0; i < 8; ++i)
        id += kHex[randombytes_uniform(16)];
    return id;
}

std::int64_t start_time_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

ExitCode exit_code_of(const records::Counts& counts) {
    if (counts.failed + counts.crashed > 0) return ExitCode::Failure;
    return counts.untested_musts > 0 ? ExitCode::Untested : ExitCode::Success;
}

std::string write_views(const std::vector<records::Record>& all, const fs::path& folder) {
    const std::pair<const char*, std::string> views[] = {
        {"report.html", to_html(all)},
        {"report.md", records::to_markdown(all)},
        {"junit.xml", records::to_junit(all)},
    };
    for (const auto& [name, text] : views) {
        std::ofstream file(folder / name, std::ios::binary);
        file << text << std::flush;
        if (!file) return (folder / name).string() + ": cannot be written";
    }
    return {};
}

// The end of a run or a report: views, summary, exit code.
ExitCode conclude(const std::vector<records::Record>& all, const fs::path& folder) {
    const std::string problem = write_views(all, folder);
    if (!problem.empty()) return complain(problem);
    const bool is_terminal = isatty(STDOUT_FILENO) == 1;
    std::cout << records::to_summary(all,
                                     is_terminal ? records::Colours::Ansi : records::Colours::None);
    std::cout << "\nreport: " << fs::absolute(folder / "report.html").string() << std::endl;
    return exit_code_of(records::count(records::latest_tests(all)));
}

// Fills GoogleTest's list with these and nothing else.
void register_cases(const std::vector<Case>& cases) {
    for (const Case& one : cases) {
        const std::string id = one.id();
        const std::size_t slash = id.rfind('/', id.find('#'));
        testing::RegisterTest(id.substr(0, slash).c_str(),
                              id.substr(slash + 1).c_str(),
                              nullptr,
                              nullptr,
                              one.declaration->file,
                              one.declaration->line,
                              [make = one.declaration->make] { return make(); });
    }
}

void start_googletest() {
    int count = 1;
    std::string name = "conformance";
    char* arguments[] = {name.data(), nullptr};
    testing::InitGoogleTest(&count, arguments);
    // Whatever GTEST_ variables are set: which tests run is our matter alone.
    testing::GTEST_FLAG(filter) = "*";
    testing::GTEST_FLAG(shuffle) = false;
    testing::GTEST_FLAG(repeat) = 1;
    testing::GTEST_FLAG(catch_exceptions) = true;
    testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
}

std::string describe_level(const SelectionOptions& selection) {
    return selection.level ? " of level " + std::string(name_of(*selection.level)) : std::string();
}

void print_start(Session& session, std::size_t count) {
    std::cout << count << " tests against " << session.target().url() << " ("
              << session.target().server_name() << ")\n";
    for (const Probe& probe : session.probes()) {
        if (!probe.problem.empty())
            std::cout << "  " << probe.name << ": " << probe.problem << "\n";
    }
    std::cout << std::flush;
}

// The record with which a run begins; a rerun is a further attempt of the run that it repeats.
records::Record describe_run(const RunOptions& options,
                             const Rerun& rerun,
                             const TargetDescription& description,
                             Session& session,
                             std::size_t planned_count) {
    int attempt = 1;
    for (const auto& [id, its_attempt] : rerun.attempts)
        attempt = std::max(attempt, its_attempt);
    const Target& target = session.target();
    return {.run = rerun.run,
            .kind = "run",
            .id = "run",
            .attempt = attempt,
            .time_ms = start_time_ms(),
            .target = description.name.empty() ? target.url() : description.name,
            .server_name = target.server_name().text(),
            .software = session.software(),
            .arguments = options.arguments,
            .planned_count = static_cast<std::int64_t>(planned_count)};
}

}  // namespace

std::expected<std::vector<Case>, std::string> select_cases(const SelectionOptions& selection) {
    const std::vector<std::string> problems = check_declarations(all_declarations(), kRenamedTests);
    if (!problems.empty()) return std::unexpected(problems.front());
    std::map<std::string, int> repeated;
    if (!selection.rerun_failed.empty()) {
        auto rerun = read_rerun(selection.rerun_failed);
        if (!rerun) return std::unexpected(rerun.error());
        repeated = std::move(rerun->attempts);
    }
    const Filter filter(selection.filter, kRenamedTests);
    std::vector<Case> cases = list_cases(all_declarations());
    std::erase_if(cases, [&](const Case& one) {
        if (selection.level && one.requirement().level != *selection.level) return true;
        if (!selection.rerun_failed.empty() && !repeated.contains(one.id())) return true;
        return !filter.matches(one.id());
    });
    return cases;
}

std::expected<TargetDescription, std::string> read_target(const TargetOptions& options) {
    TargetDescription description;
    if (!options.url.empty()) {
        const bool is_http =
            options.url.starts_with("http://") || options.url.starts_with("https://");
        if (!is_http) return std::unexpected(options.url + ": expected an http:// or https:// URL");
        description.name = description.url = options.url;
    } else {
        std::string text = kBuiltInTarget;
        std::string name = "the built-in target";
        if (!options.target_file.empty()) {
            name = options.target_file;
            std::ifstream file(name, std::ios::binary);
            if (!file) return std::unexpected(name + ": cannot be read");
            std::ostringstream content;
            content << file.rdbuf();
            text = content.str();
        }
        auto parsed = parse_target_description(text);
        if (!parsed) return std::unexpected(to_string(parsed.error(), name));
        description = *std::move(parsed);
    }
    if (!options.registration_shared_secret.empty()) {
        description.registration.way = RegistrationWay::SharedSecret;
        description.registration.shared_secret = options.registration_shared_secret;
    }
    if (options.is_insecure) description.verifies_tls = false;
    return description;
}

ExitCode run_tests(const RunOptions& options) {
    MATRIX_ASSERT(sodium_init() >= 0);
    const auto cases = select_cases(options.selection);
    if (!cases) return complain(cases.error());
    if (cases->empty()) {
        return complain("no test fits the filter" + describe_level(options.selection));
    }
    auto description = read_target(options.target);
    if (!description) return complain(description.error());

    const fs::path folder = options.report_dir;
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return complain(folder.string() + ": " + error.message());
    const fs::path records_file = folder / "records.jsonl";
    Rerun rerun{.run = make_run_id(), .attempts = {}};
    if (!options.selection.rerun_failed.empty()) {
        auto read = read_rerun(options.selection.rerun_failed);
        if (!read) return complain(read.error());
        rerun = *std::move(read);
    } else {
        fs::remove(records_file, error);  // A rerun goes on with the file, a run starts it.
    }
    const std::string log_file = fs::absolute(folder / "target.log").string();
    fs::remove(log_file, error);

    auto session = Session::open({.description = *description,
                                  .bin_dir = options.target.bin_dir,
                                  .log_file = log_file,
                                  .peer_bind = options.target.peer_bind,
                                  .peer_name = options.target.peer_name});
    if (!session) return complain(session.error());
    print_start(**session, cases->size());

    start_googletest();
    register_cases(*cases);
    std::map<std::string, Case> by_id;
    for (const Case& one : *cases)
        by_id.emplace(one.id(), one);
    const bool is_terminal = isatty(STDOUT_FILENO) == 1;
    auto owned = std::make_unique<Reporter>(
        ReporterOptions{.run = rerun.run,
                        .records_file = records_file.string(),
                        .repeat_prefix = options.repeat_prefix,
                        .attempts = rerun.attempts,
                        .fail_fast = options.fail_fast,
                        .is_terminal = is_terminal,
                        .colours = is_terminal ? records::Colours::Ansi : records::Colours::None},
        **session,
        std::move(by_id));
    Reporter& reporter = *owned;
    reporter.write_run(describe_run(options, rerun, *description, **session, cases->size()));
    testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
    listeners.Append(owned.get());
    static_cast<void>(RUN_ALL_TESTS());
    listeners.Release(owned.get());
    if (!reporter.failure().empty()) return complain(reporter.failure());

    const auto all = read_records(records_file.string());
    if (!all) return complain(all.error());
    return conclude(records::merge(*all, {}), folder);
}

ExitCode report_records(const std::vector<std::string>& files, const std::string& report_dir) {
    std::vector<records::Record> all;
    for (const std::string& file : files) {
        const auto some = read_records(file);
        if (!some) return complain(some.error());
        all = records::merge(std::move(all), *some);
    }
    std::error_code error;
    fs::create_directories(report_dir, error);
    if (error) return complain(report_dir + ": " + error.message());
    return conclude(all, report_dir);
}

}  // namespace matrix::conformance
