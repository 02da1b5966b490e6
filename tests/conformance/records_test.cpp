#include <algorithm>
#include <random>
#include <sstream>

#include <gtest/gtest.h>

#include "conformance/records/record.h"

namespace matrix::records {
namespace {

Record test_of(std::string run, std::string id, int attempt, Outcome outcome) {
    return {.run = std::move(run),
            .id = std::move(id),
            .attempt = attempt,
            .time_ms = 1000 + attempt,
            .level = "MUST",
            .place = "https://spec.matrix.org/v1.19/client-server-api/#syncing",
            .requirement = "A sentence.",
            .since = "v1.1",
            .outcome = outcome,
            .repeat = "conformance run"};
}

Record full_record() {
    Record record = test_of("r1", "cs/sync/one", 1, Outcome::Failed);
    record.reason = "why";
    record.is_untested = true;
    record.duration_ms = 12;
    record.findings = {{true, "a.cpp:1", "x\ny"}, {false, "b.cpp:2", "\"quoted\""}};
    record.exchanges = {{.who = "client",
                         .method = "PUT",
                         .url = "http://x/",
                         .request_headers = {{"A", "b"}, {"A", "c"}},
                         .request_body = "{}",
                         .status = 403,
                         .response_headers = {{"X", "y"}},
                         .response_body = "\xc3\xa9",
                         .failure = "none",
                         .duration_ms = 3}};
    return record;
}

std::vector<Record> random_records(std::mt19937& random) {
    std::vector<Record> records;
    for (unsigned i = 0; i < 6; ++i) {
        Record record = test_of("r" + std::to_string(random() % 2),
                                "cs/sync/" + std::to_string(random() % 3),
                                static_cast<int>(1 + random() % 2),
                                random() % 2 == 0 ? Outcome::Passed : Outcome::Failed);
        record.duration_ms = random() % 3;
        records.push_back(std::move(record));
    }
    return records;
}

TEST(Record, ComesBackAsItWasWritten) {
    const Record record = full_record();
    const auto back = parse(write(record));
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(*back, record);
    EXPECT_EQ(write(record).find('\n'), std::string::npos);

    const Record run{.run = "r1", .kind = "run", .id = "run", .target = "x", .planned_count = 3};
    EXPECT_EQ(*parse(write(run)), run);
}

TEST(Record, HoldsWhateverBytesAServerSent) {
    Record record = full_record();
    record.exchanges[0].response_body = std::string("\xff\x00\xfe", 3);
    EXPECT_TRUE(parse(write(record)));
}

TEST(Record, NamesTheFieldThatIsWrong) {
    EXPECT_EQ(parse("[]").error(), "no JSON object");
    EXPECT_NE(parse("{}").error().find("schema"), std::string::npos);
    std::string text = write(full_record());
    text.replace(text.find("\"attempt\":1"), 11, "\"attempt\":{}");
    EXPECT_NE(parse(text).error().find("attempt"), std::string::npos);
    text = write(full_record());
    text.replace(text.find("\"outcome\":\"failed\""), 18, "\"outcome\":\"great\"");
    EXPECT_NE(parse(text).error().find("outcome"), std::string::npos);
    text = write(full_record());
    text.replace(text.find("record/1"), 8, "record/9");
    EXPECT_NE(parse(text).error().find("record/9"), std::string::npos);
}

TEST(RecordStream, LeavesOutALineThatACrashCutOff) {
    const std::string line = write(full_record());
    std::istringstream in(line + "\n\n" + line.substr(0, line.size() / 2));

    const auto stream = read(in, "file");

    ASSERT_TRUE(stream) << stream.error();
    EXPECT_EQ(stream->records.size(), 1u);
    EXPECT_EQ(stream->warnings.size(), 1u);
}

TEST(RecordStream, NamesTheLineThatIsWrong) {
    std::istringstream in(write(full_record()) + "\n{}\n");
    EXPECT_TRUE(read(in, "file").error().starts_with("file:2: "));
}

TEST(Merge, IsAssociativeCommutativeAndIdempotent) {
    std::mt19937 random(7);
    for (int i = 0; i < 200; ++i) {
        const auto a = merge(random_records(random), {});
        const auto b = merge(random_records(random), {});
        const auto c = merge(random_records(random), {});
        EXPECT_EQ(merge(a, b), merge(b, a));
        EXPECT_EQ(merge(merge(a, b), c), merge(a, merge(b, c)));
        EXPECT_EQ(merge(a, a), a);
        EXPECT_EQ(merge(a, {}), a);
    }
}

TEST(LatestTests, TakesTheLastAttempt) {
    const auto latest = latest_tests({test_of("r1", "cs/sync/one", 2, Outcome::Passed),
                                      test_of("r1", "cs/sync/one", 1, Outcome::Failed),
                                      test_of("r1", "cs/sync/two", 1, Outcome::Failed)});
    ASSERT_EQ(latest.size(), 2u);
    EXPECT_EQ(latest[0].outcome, Outcome::Passed);
}

TEST(Count, TellsMustsThatCouldNotBeJudged) {
    Record untested = test_of("r1", "cs/sync/one", 1, Outcome::Skipped);
    untested.is_untested = true;
    Record may = untested;
    may.level = "MAY";
    const Counts counts = count({untested, may, test_of("r1", "a/b/c", 1, Outcome::Crashed)});
    EXPECT_EQ(counts.skipped, 2);
    EXPECT_EQ(counts.untested_musts, 1);
    EXPECT_EQ(counts.crashed, 1);
    EXPECT_EQ(counts.total(), 3);
}

}  // namespace
}  // namespace matrix::records
