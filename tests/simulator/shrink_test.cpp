// Shrinking: to the least that a judge needs, in the same way each time; and with real runs.

#include "simulator/shrink/shrink.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "simulator/run.h"
#include "simulator/scenario/draw.h"
#include "simulator/scenario/scenario_file.h"

namespace matrix::simulator {
namespace {

using Fails = std::function<bool(const Scenario&)>;

/// Judges without children; tries `ahead` candidates more than it needs, as parallel ones do.
class FakeJudge : public Judge {
public:
    explicit FakeJudge(Fails fails, int ahead = 0, int runs_max = 100'000)
        : fails_(std::move(fails)), ahead_(ahead), runs_max_(runs_max) {}

    std::optional<Accepted> find_first_failing(const Candidates& candidates) override {
        for (std::size_t place = 0; !is_over(); ++place) {
            auto candidate = candidates();
            if (!candidate) return std::nullopt;
            EXPECT_FALSE(find_fault_of(*candidate));
            ++runs_;
            if (!fails_(*candidate)) continue;
            for (int i = 0; i < ahead_; ++i)
                candidates();
            return Accepted{place, std::move(*candidate)};
        }
        return std::nullopt;
    }
    std::optional<ChoiceRecord> record(const Scenario&) override { return recorded_; }
    bool is_over() override { return runs_ >= runs_max_; }
    void report(const Scenario&, std::string_view) override {}

    ChoiceRecord recorded_;
    int runs_ = 0;

private:
    Fails fails_;
    int ahead_;
    int runs_max_;
};

Scenario drawn() {
    DrawOptions draw;
    draw.servers = 6;
    draw.seed = 5;
    draw.chaos_ms = 300'000;
    return draw_scenario(draw);
}

// A ban by a user who is not the banned one, before a topic, while there are two servers.
bool needs_ban_and_topic(const Scenario& scenario) {
    if (scenario.servers < 2) return false;
    const auto ban = std::ranges::find(scenario.timeline, "ban", &Step::verb);
    return std::find_if(ban, scenario.timeline.end(), [](const Step& step) {
               return step.verb == "topic";
           }) != scenario.timeline.end();
}

TEST(Shrink, LeavesWhatTheFailureNeeds) {
    FakeJudge judge(needs_ban_and_topic);
    const Scenario small = shrink(drawn(), judge);

    ASSERT_EQ(small.timeline.size(), 2u) << write_scenario(small);
    EXPECT_EQ(small.timeline[0].verb, "ban");
    EXPECT_EQ(small.timeline[1].verb, "topic");
    EXPECT_EQ(small.timeline[0].text("user"), "@user0:s0.test");
    EXPECT_EQ(small.servers, 2);
    EXPECT_EQ(small.users_per_server, 1);
    EXPECT_EQ(small.byzantine_hosts, 0);
    EXPECT_EQ(small.rooms.size(), 1u);
    EXPECT_EQ(small.rooms[0].members, std::vector<std::string>());
    EXPECT_TRUE(small.rooms[0].levels.empty());
    EXPECT_EQ(small.link.latency_us_max, 1000);
    EXPECT_EQ(small.identity_seed, 0u);
    EXPECT_FALSE(small.seed);
    EXPECT_TRUE(small.at_least.empty());
    EXPECT_LE(small.chaos_ms, 2000);
}

TEST(Shrink, GivesTheSameHoweverManyAreTriedAtATime) {
    FakeJudge alone(needs_ban_and_topic);
    FakeJudge many(needs_ban_and_topic, 7);
    EXPECT_EQ(shrink(drawn(), alone), shrink(drawn(), many));
    EXPECT_EQ(alone.runs_, many.runs_);
}

TEST(Shrink, LowersIntegersTowardsTheSimplest) {
    const auto has_high_level = [](const Scenario& scenario) {
        return std::ranges::any_of(scenario.timeline, [](const Step& step) {
            return step.verb == "power_level" && step.integer("level") >= 20;
        });
    };
    FakeJudge judge(has_high_level);
    const Scenario small = shrink(drawn(), judge);
    ASSERT_EQ(small.timeline.size(), 1u);
    EXPECT_LE(small.timeline[0].integer("level"), 39);
}

TEST(Shrink, KeepsOfChanceWhatIsNeeded) {
    const auto needs_one_decision = [](const Scenario& scenario) {
        if (scenario.seed) return true;
        const auto stream = scenario.choices.find("s0.test to s1.test");
        return stream != scenario.choices.end() && stream->second.size() > 2 &&
               stream->second[2] >= 4;
    };
    FakeJudge judge(needs_one_decision);
    judge.recorded_ = {{"s0.test to s1.test", {9, 8, 70, 6, 0, 5}}, {"s1.test workers", {3, 4}}};
    const Scenario small = shrink(drawn(), judge);

    EXPECT_FALSE(small.seed);
    const ChoiceRecord expected = {{"s0.test to s1.test", {0, 0, 4}}};
    EXPECT_EQ(small.choices, expected);
}

TEST(Shrink, EndsWhenTheJudgeIsOver) {
    FakeJudge judge(needs_ban_and_topic, 0, 5);
    const Scenario small = shrink(drawn(), judge);
    EXPECT_EQ(judge.runs_, 5);
    EXPECT_TRUE(needs_ban_and_topic(small));
}

TEST(Shrink, OfARealFailureReplaysWithoutChance) {
    Scenario failing = drawn();
    const RunOptions planted{.plant = "rotten-topics"};
    FakeJudge judge([&](const Scenario& scenario) {
        const auto report = run(scenario, planted);
        return std::ranges::any_of(report->findings, [](const Finding& finding) {
            return finding.checker == "soundness";
        });
    });
    const Scenario small = shrink(failing, judge);

    ASSERT_EQ(small.timeline.size(), 1u) << write_scenario(small);
    EXPECT_EQ(small.timeline[0].verb, "topic");
    EXPECT_FALSE(small.seed);
    const auto again = parse_scenario(write_scenario(small), "shrunk");
    ASSERT_TRUE(again) << again.error();
    EXPECT_EQ(run(*again, planted)->outcome, Outcome::FailedCheck);
    EXPECT_NE(run(*again)->outcome, Outcome::FailedCheck);
}

}  // namespace
}  // namespace matrix::simulator
