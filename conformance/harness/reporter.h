// Turns what GoogleTest says into records, and shows progress while it does.
#pragma once

#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "conformance/harness/declarations.h"
#include "conformance/harness/session.h"
#include "conformance/records/record.h"
#include "conformance/records/views.h"

namespace matrix::conformance {

struct ReporterOptions {
    std::string run;
    std::string records_file;             ///< Appended to.
    std::string repeat_prefix;            ///< The command that repeats a test, up to the id.
    std::map<std::string, int> attempts;  ///< By id; others have attempt 1.
    bool fail_fast = false;
    bool is_terminal = false;
    records::Colours colours = records::Colours::None;
};

/// GoogleTest's only listener, and the last of the chain: it throws to end a test.
class Reporter : public testing::EmptyTestEventListener {
public:
    /// `cases` are all that will run, by `area/module/slug#row`.
    Reporter(ReporterOptions options, Session& session, std::map<std::string, Case> cases);
    ~Reporter() override;

    void write_run(records::Record run);
    const std::vector<records::Record>& records() const { return records_; }
    /// Nonempty when records could not be written.
    const std::string& failure() const { return failure_; }

    void OnTestStart(const testing::TestInfo& info) override;
    void OnTestPartResult(const testing::TestPartResult& result) override;
    void OnTestEnd(const testing::TestInfo& info) override;

private:
    void append(const records::Record& record);
    void finish(records::Record& record);
    std::string find_crash(const records::Record& record);
    void go_on_after_crash(const std::string& how);
    void show(const records::Record& record);
    void show_progress(const std::string& id);

    ReporterOptions options_;
    Session& session_;
    std::map<std::string, Case> cases_;
    std::ofstream file_;
    std::string failure_;
    std::vector<records::Record> records_;
    records::Record current_;
    bool has_failed_ = false;
    bool is_stopped_ = false;  ///< By --fail-fast: what follows is neither run nor recorded.
    int restart_count_ = 0;
    std::size_t done_count_ = 0;
    std::chrono::steady_clock::time_point begin_;
};

/// `cs/sync/slug#row` of a test that the run registered.
std::string id_of(const testing::TestInfo& info);

}  // namespace matrix::conformance
