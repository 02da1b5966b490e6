// Which part of a sweep is ours: flags, then what batch engines say.

#include "simulator/sweep/shard.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace matrix::simulator {
namespace {

using Variables = std::map<std::string, std::string>;

// "2/4 by VARIABLE", counted from 1, or the error.
std::string choice_of(const Variables& variables,
                      std::optional<std::uint64_t> shards = {},
                      std::optional<std::string> shard = {}) {
    const auto chosen =
        choose_shard(shard, shards, [&](const std::string& name) -> std::optional<std::string> {
            const auto place = variables.find(name);
            if (place == variables.end()) return std::nullopt;
            return place->second;
        });
    if (!chosen) return chosen.error();
    return std::to_string(chosen->shard.index + 1) + "/" + std::to_string(chosen->shard.count) +
           " by " + chosen->source;
}

const Variables kSlurm = {{"SLURM_ARRAY_TASK_ID", "30"},
                          {"SLURM_ARRAY_TASK_MIN", "10"},
                          {"SLURM_ARRAY_TASK_MAX", "40"},
                          {"SLURM_ARRAY_TASK_COUNT", "4"}};
const Variables kKubernetes = {{"JOB_COMPLETION_INDEX", "0"}, {"JOB_COMPLETIONS", "3"}};
const Variables kGoogleTest = {{"GTEST_SHARD_INDEX", "2"}, {"GTEST_TOTAL_SHARDS", "4"}};

TEST(Shard, IsTheWholeWhereNobodySaysOtherwise) {
    EXPECT_EQ(choice_of({}), "1/1 by ");
}

TEST(Shard, FlagsWin) {
    EXPECT_EQ(choice_of(kSlurm, {}, "2/8"), "2/8 by --shard");
    EXPECT_EQ(choice_of({}, {}, "0/8"), "--shard: expected a number from 1 to 8, found 0");
    EXPECT_EQ(choice_of({}, {}, "9/8"), "--shard: expected a number from 1 to 8, found 9");
    EXPECT_EQ(choice_of({}, {}, "2"), "--shard: expected INDEX/COUNT, as in 2/8, found '2'");
    EXPECT_EQ(choice_of({}, {}, "1/0"), "--shard: expected 1 to 1000000 shards, found 0");
    EXPECT_EQ(choice_of({}, 4, "1/3"), "--shard says 1/3, but --shards another count");
}

TEST(Shard, IsTakenFromEachEngine) {
    EXPECT_EQ(choice_of(kSlurm), "3/4 by SLURM_ARRAY_TASK_ID");
    EXPECT_EQ(choice_of(kKubernetes), "1/3 by JOB_COMPLETION_INDEX");
    EXPECT_EQ(choice_of({{"JOB_COMPLETION_INDEX", "2"}}, 3), "3/3 by JOB_COMPLETION_INDEX");
    EXPECT_EQ(choice_of(kGoogleTest), "3/4 by GTEST_SHARD_INDEX");
    EXPECT_EQ(choice_of({{"CI_NODE_INDEX", "4"}, {"CI_NODE_TOTAL", "4"}}), "4/4 by CI_NODE_INDEX");
    EXPECT_EQ(choice_of({{"PARALLEL_SEQ", "2"}}, 5), "2/5 by PARALLEL_SEQ");
}

TEST(Shard, GnuParallelMayHandOutSeedsInstead) {
    EXPECT_EQ(choice_of({{"PARALLEL_SEQ", "7"}}), "1/1 by ");
}

TEST(Shard, ErrorsNameTheVariable) {
    EXPECT_EQ(choice_of({{"GTEST_SHARD_INDEX", "4"}, {"GTEST_TOTAL_SHARDS", "4"}}),
              "GTEST_SHARD_INDEX: expected a number from 0 to 3, found 4");
    EXPECT_EQ(choice_of({{"CI_NODE_INDEX", "0"}, {"CI_NODE_TOTAL", "4"}}),
              "CI_NODE_INDEX: expected a number from 1 to 4, found 0");
    EXPECT_EQ(choice_of({{"GTEST_SHARD_INDEX", "-1"}, {"GTEST_TOTAL_SHARDS", "4"}}),
              "GTEST_SHARD_INDEX: expected a number without a sign, found '-1'");
    EXPECT_EQ(choice_of({{"JOB_COMPLETION_INDEX", "0"}}),
              "JOB_COMPLETIONS: it is not set; set it, or say --shards COUNT");
    EXPECT_EQ(choice_of(kKubernetes, 4), "JOB_COMPLETIONS is 3, but --shards is 4");
    EXPECT_EQ(choice_of({{"PARALLEL_SEQ", "6"}}, 5),
              "PARALLEL_SEQ: expected a number from 1 to 5, found 6");
    EXPECT_EQ(choice_of({}, 5), "--shards: no variable of a batch engine says which shard");
}

TEST(Shard, AnIrregularSlurmArrayIsRefused) {
    Variables irregular = kSlurm;
    irregular["SLURM_ARRAY_TASK_ID"] = "11";
    EXPECT_THAT(choice_of(irregular), testing::HasSubstr("an array with equal steps"));
    irregular.erase("SLURM_ARRAY_TASK_MIN");
    EXPECT_EQ(choice_of(irregular), "SLURM_ARRAY_TASK_MIN: expected a number, it is not set");
}

TEST(Shard, EnginesThatDisagreeAreAnError) {
    Variables both = kSlurm;
    both.insert(kKubernetes.begin(), kKubernetes.end());
    EXPECT_EQ(choice_of(both),
              "SLURM_ARRAY_TASK_ID and JOB_COMPLETION_INDEX choose different shards; unset one, or "
              "say --shard INDEX/COUNT");
    Variables same = kSlurm;
    same.insert(kGoogleTest.begin(), kGoogleTest.end());
    EXPECT_EQ(choice_of(same), "3/4 by SLURM_ARRAY_TASK_ID");
}

}  // namespace
}  // namespace matrix::simulator
