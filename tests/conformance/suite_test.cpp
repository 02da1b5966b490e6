// The whole suite as a process, against a homeserver that is wrong on purpose.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "conformance/records/record.h"

namespace matrix::conformance {
namespace {

namespace fs = std::filesystem;
using records::Outcome;
using records::Record;

struct Ended {
    int exit_code = -1;
    std::string output;
};

class Suite : public testing::Test {
protected:
    Suite() {
        std::string pattern = (fs::temp_directory_path() / "suite-test-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
        std::ofstream(folder_ / "target.yaml")
            << "name: fake\ncommand:\n  - " << FAKE_HOMESERVER << "\nready:\n  way: ready_line\n";
    }
    ~Suite() override { fs::remove_all(folder_); }

    Ended run_sample(const std::string& arguments) {
        const std::string command = std::string(SAMPLE_SUITE) + " " + arguments + " 2>&1";
        Ended ended;
        FILE* pipe = popen(command.c_str(), "r");
        char bytes[4096];
        while (const std::size_t size = fread(bytes, 1, sizeof bytes, pipe)) {
            ended.output.append(bytes, size);
        }
        const int status = pclose(pipe);
        ended.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        return ended;
    }
    Ended run_against_fake(const std::string& arguments) {
        return run_sample("run --target " + (folder_ / "target.yaml").string() + " --report-dir " +
                          (folder_ / "report").string() + " " + arguments);
    }
    std::string read_report(const std::string& name) {
        std::ostringstream text;
        text << std::ifstream(folder_ / "report" / name).rdbuf();
        return text.str();
    }
    std::map<std::string, Record> tests() {
        std::ifstream file(folder_ / "report/records.jsonl");
        const auto stream = records::read(file, "records.jsonl");
        std::map<std::string, Record> by_id;
        if (!stream) return by_id;
        for (const Record& test : records::latest_tests(stream->records))
            by_id[test.id] = test;
        return by_id;
    }

    fs::path folder_;
};

TEST_F(Suite, AFailingMustFailsTheRun) {
    const Ended ended = run_against_fake("--filter 'cs/failing/must,cs/passing/*'");

    EXPECT_EQ(ended.exit_code, 1) << ended.output;
    EXPECT_NE(ended.output.find("It fails <&>."), std::string::npos) << ended.output;
    EXPECT_NE(ended.output.find("/nowhere"), std::string::npos) << ended.output;
    EXPECT_NE(ended.output.find("--filter 'cs/failing/must'"), std::string::npos) << ended.output;
    const auto all = tests();
    EXPECT_EQ(all.at("cs/failing/must").outcome, Outcome::Failed);
    EXPECT_EQ(all.at("cs/failing/must").exchanges.size(), 1u);
    EXPECT_EQ(all.at("cs/passing/must").outcome, Outcome::Passed);
    EXPECT_TRUE(all.at("cs/passing/must").exchanges.empty());
}

TEST_F(Suite, AFailingShouldIsAWarning) {
    const Ended ended = run_against_fake("--filter 'cs/should/*'");

    EXPECT_EQ(ended.exit_code, 0) << ended.output;
    for (const auto& [id, test] : tests())
        EXPECT_EQ(test.outcome, Outcome::Warned) << id;
    EXPECT_NE(ended.output.find("with a note"), std::string::npos) << ended.output;
}

TEST_F(Suite, EndsTestsAtTheFirstFatalFailureWhereverItIs) {
    const Ended ended = run_against_fake("--filter 'cs/failing/*'");

    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_EQ(ended.output.find("went on"), std::string::npos) << ended.output;
    for (const auto& [id, test] : tests()) {
        EXPECT_EQ(test.outcome, Outcome::Failed) << id;
        EXPECT_EQ(test.findings.size(), 1u) << id;
    }
}

TEST_F(Suite, MasksAccessTokensInItsReports) {
    run_against_fake("--filter 'cs/failing/*'");

    for (const char* name : {"records.jsonl", "report.html", "report.md", "junit.xml"}) {
        EXPECT_EQ(read_report(name).find("access_token=secret"), std::string::npos) << name;
        EXPECT_EQ(read_report(name).find("token-of-"), std::string::npos) << name;
        EXPECT_NE(read_report(name).find("masked"), std::string::npos) << name;
    }
}

TEST_F(Suite, SkipsWhatTheServerDoesNotClaim) {
    const Ended ended = run_against_fake("--filter 'cs/skipped/*'");

    EXPECT_EQ(ended.exit_code, 0) << ended.output;
    const auto all = tests();
    EXPECT_EQ(all.at("cs/skipped/too-new").outcome, Outcome::Skipped);
    EXPECT_EQ(all.at("cs/skipped/room-version#v10").outcome, Outcome::Passed);
    EXPECT_EQ(all.at("cs/skipped/room-version#v11").outcome, Outcome::Skipped);
    EXPECT_NE(all.at("cs/skipped/room-version#v11").reason.find("11"), std::string::npos);
}

TEST_F(Suite, DoesNotSucceedWhereAMustCannotBeJudged) {
    const Ended ended = run_against_fake("--filter 'ss/*,cs/passing/*'");

    EXPECT_EQ(ended.exit_code, 3) << ended.output;
    EXPECT_TRUE(tests().at("ss/untested/federation").is_untested);
}

TEST_F(Suite, ReportsACrashOnceAndGoesOn) {
    const Ended ended = run_against_fake("--filter 'cs/crashing/*,cs/passing/*'");

    EXPECT_EQ(ended.exit_code, 1) << ended.output;
    const auto all = tests();
    EXPECT_EQ(all.at("cs/crashing/server").outcome, Outcome::Crashed);
    EXPECT_EQ(all.at("cs/crashing/server").reason, "the server exited with 42");
    EXPECT_EQ(all.at("cs/crashing/then-next").outcome, Outcome::Passed);
    EXPECT_EQ(all.at("cs/passing/must").outcome, Outcome::Passed);
}

TEST_F(Suite, StopsAtTheFirstFailureIfAsked) {
    run_against_fake("--fail-fast --filter 'cs/failing/must,cs/passing/*,cs/should/*'");

    EXPECT_EQ(tests().size(), 1u);
}

TEST_F(Suite, RepeatsWhatFailed) {
    run_against_fake("--filter 'cs/failing/must,cs/passing/*'");
    const Ended ended =
        run_against_fake("--rerun-failed " + (folder_ / "report/records.jsonl").string());

    EXPECT_EQ(ended.exit_code, 1) << ended.output;
    EXPECT_NE(ended.output.find("1 tests against"), std::string::npos) << ended.output;
    const auto all = tests();
    EXPECT_EQ(all.size(), 2u);
    EXPECT_EQ(all.at("cs/failing/must").attempt, 2);
    EXPECT_EQ(all.at("cs/failing/must").run, all.at("cs/passing/must").run);
}

TEST_F(Suite, ChoosesByLevelWithoutAServer) {
    const Ended ended = run_sample("list --level SHOULD");

    EXPECT_EQ(ended.exit_code, 0);
    EXPECT_NE(ended.output.find("1 tests, 0 rows"), std::string::npos) << ended.output;
}

TEST_F(Suite, RefusesWrongUsage) {
    EXPECT_EQ(run_sample("run --filter nothing/fits/this").exit_code, 2);
    EXPECT_EQ(run_sample("run --target /no/such/file").exit_code, 2);
    EXPECT_EQ(run_sample("run --no-such-flag").exit_code, 2);
    EXPECT_EQ(run_sample("run gopher://example.org").exit_code, 2);
    EXPECT_EQ(run_sample("").exit_code, 2);
    EXPECT_EQ(run_sample("--help").exit_code, 0);
}

TEST_F(Suite, DoctorSaysWhatIsRuledOut) {
    const Ended ended = run_sample("doctor --target " + (folder_ / "target.yaml").string());

    EXPECT_EQ(ended.exit_code, 3) << ended.output;
    EXPECT_NE(ended.output.find("ok       client API"), std::string::npos) << ended.output;
    EXPECT_NE(ended.output.find("problem  federation"), std::string::npos) << ended.output;
    EXPECT_NE(ended.output.find("needs federation"), std::string::npos) << ended.output;
}

}  // namespace
}  // namespace matrix::conformance
