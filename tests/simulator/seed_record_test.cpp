// Records of a sweep, and its table.

#include "simulator/sweep/seed_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulator/sweep/table.h"

namespace matrix::simulator {
namespace {

SeedRecord record_of(std::uint64_t seed, const std::string& outcome, const std::string& checker) {
    SeedRecord record{.run = "r", .seed = seed, .name = std::to_string(seed), .outcome = outcome};
    if (!checker.empty()) record.checkers[checker] = 2;
    record.reason = checker.empty() ? "" : checker + ": something";
    record.repeat = "simulator run --seed " + std::to_string(seed);
    record.metrics = {{"events_received", 10}};
    record.reached = {"a queue is long"};
    record.duration_ms = 1000;
    record.time_ms = 1'767'225'600'000;
    return record;
}

TEST(SeedRecord, IsWhatWasWritten) {
    const SeedRecord record = record_of(std::uint64_t{1} << 63, "failed-check", "soundness");
    const auto parsed = parse_seed_record(write(record));
    ASSERT_TRUE(parsed) << parsed.error();
    EXPECT_EQ(*parsed, record);
    const auto key = records::parse_key(write(record));
    ASSERT_TRUE(key) << key.error();
    EXPECT_EQ(key->id, "9223372036854775808");
    EXPECT_TRUE(records::parse_key(
        write(SweepRecord{.run = "r", .shard = "1/2", .build = "b", .seeds = "0..9"})));
}

TEST(SeedRecord, OthersAreRefusedByMember) {
    EXPECT_EQ(parse_seed_record("[]").error(), "expected a JSON object");
    EXPECT_EQ(parse_seed_record(R"({"kind":"seed","id":"1"})").error(), "run: expected a text");
    std::string line = write(record_of(1, "passed", ""));
    line.replace(line.find("\"id\":\"1\""), 8, "\"id\":\"x\"");
    EXPECT_EQ(parse_seed_record(line).error(), "id: expected a number");
}

TEST(SweepTable, GroupsFailuresByCause) {
    std::vector<SeedRecord> records;
    records.push_back(record_of(1, "passed", ""));
    for (std::uint64_t seed = 2; seed < 10; ++seed)
        records.push_back(record_of(seed, "failed-check", "convergence"));
    records.push_back(record_of(20, "failed-check", "soundness"));
    records.push_back(record_of(21, "crash", ""));
    records.back().reason = "file.cpp:7: assertion failed: x";
    records.push_back(record_of(22, "inconclusive", ""));
    const SweepTable table = tabulate(records);

    EXPECT_EQ(table.seeds, 12u);
    EXPECT_EQ(table.outcomes.at("failed-check"), 9u);
    ASSERT_EQ(table.failures.size(), 3u);
    EXPECT_EQ(table.failures[0].cause, "checker convergence");
    EXPECT_EQ(table.failures[0].count, 8u);
    EXPECT_EQ(table.failures[0].first_seeds, (std::vector<std::uint64_t>{2, 3, 4, 5, 6}));
    EXPECT_EQ(table.failures[0].repeat, "simulator run --seed 2");
    EXPECT_EQ(table.failures[2].cause, "crash: file.cpp:7: assertion failed: x");
    EXPECT_THAT(to_text(table),
                testing::HasSubstr("8 x checker convergence: seeds 2, 3, 4, 5, 6, ..."));
    EXPECT_THAT(to_text(table), testing::HasSubstr("3600 seeds an hour and process"));
    EXPECT_THAT(to_json(table), testing::HasSubstr(R"("outcomes":{"crash":1,"failed-check":9,)"));
}

}  // namespace
}  // namespace matrix::simulator
