#include "simulator/virtual_time.h"

#include <map>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "simulator/simulated_loop.h"
#include "simulator/simulated_random.h"

namespace matrix::simulator {
namespace {

class VirtualTimeTest : public testing::Test {
protected:
    void schedule(std::int64_t delay_us, int number) {
        time_.schedule(delay_us, 0, [this, number] { order_.push_back(number); }).release();
    }

    Trace trace_;
    VirtualTime time_{trace_};
    std::vector<int> order_;
};

TEST_F(VirtualTimeTest, RunsJobsInTheOrderOfTheirTimes) {
    schedule(20, 2);
    schedule(10, 1);
    schedule(20, 3);
    time_.run_until(100);

    EXPECT_EQ(order_, (std::vector<int>{1, 2, 3}));
    EXPECT_EQ(time_.now_us(), 100);
}

// A job that begins itself again at the same moment.
void spin(VirtualTime& time) {
    time.schedule(0, 0, [&time] { spin(time); }).release();
}

TEST_F(VirtualTimeTest, EndsALivelockAndSaysSo) {
    schedule(10, 1);
    time_.run_until(50);
    EXPECT_FALSE(time_.stands_still());
    spin(time_);
    schedule(20, 2);
    time_.run_until(100);

    EXPECT_TRUE(time_.stands_still());
    EXPECT_EQ(order_, std::vector<int>{1});
    EXPECT_EQ(time_.now_us(), 100);
}

TEST_F(VirtualTimeTest, RunsWhatWasDueInAPauseAtItsEndInOrder) {
    time_.pause(0);
    schedule(20, 2);
    schedule(10, 1);
    auto pending = time_.schedule(15, 0, [this] { order_.push_back(3); });
    time_.schedule(12, 7, [this] { order_.push_back(7); }).release();
    time_.run_until(100);
    EXPECT_EQ(order_, std::vector<int>{7});
    pending.reset();
    time_.resume(0);
    time_.run_until(100);

    EXPECT_EQ(order_, (std::vector<int>{7, 1, 2}));
    EXPECT_EQ(time_.now_us(), 100);
}

TEST_F(VirtualTimeTest, LeavesLaterJobsForLater) {
    schedule(10, 1);
    schedule(11, 2);
    time_.run_until(10);

    EXPECT_EQ(order_, std::vector<int>{1});
    EXPECT_EQ(time_.next_us(), 11);
}

TEST_F(VirtualTimeTest, DoesNotRunWhatWasCancelled) {
    schedule(10, 1);
    auto pending = time_.schedule(10, 0, [this] { order_.push_back(2); });
    pending.reset();
    time_.run_until(10);

    EXPECT_EQ(order_, std::vector<int>{1});
}

TEST_F(VirtualTimeTest, CancelsNoJobThatTookTheSlotOfAnother) {
    auto ran = time_.schedule(10, 0, [this] { order_.push_back(1); });
    time_.run_until(10);
    schedule(10, 2);
    ran.reset();
    time_.run_until(20);

    EXPECT_EQ(order_, (std::vector<int>{1, 2}));
}

TEST_F(VirtualTimeTest, LetsJobsCancelWhatIsDueAtTheSameTime) {
    runtime::Pending second;
    time_.schedule(10, 0, [&] { second.reset(); }).release();
    second = time_.schedule(10, 0, [this] { order_.push_back(2); });
    schedule(10, 3);
    time_.run_until(10);

    EXPECT_EQ(order_, std::vector<int>{3});
}

// Enough are cancelled that the heap is built anew, several times.
TEST_F(VirtualTimeTest, RunsWhatAnOrderedMapOfTheSameJobsHolds) {
    constexpr int kRounds = 20'000;
    SimulatedRandom random(1);
    std::map<std::pair<std::int64_t, int>, int> expected;
    std::map<int, std::pair<std::int64_t, runtime::Pending>> pending;
    std::vector<int> expected_order;
    for (int number = 0; number < kRounds; ++number) {
        const auto delay_us = static_cast<std::int64_t>(random.below(5000));
        const std::int64_t due_us = time_.now_us() + delay_us;
        expected[{due_us, number}] = number;
        pending[number] = {
            due_us, time_.schedule(delay_us, 0, [this, number] { order_.push_back(number); })};
        const int other = number - static_cast<int>(random.below(1000));
        if (random.below(10) < 8 && pending.contains(other)) {
            expected.erase({pending[other].first, other});
            pending.erase(other);
        }
        if (!random.one_in(4)) continue;
        const std::int64_t until_us = time_.now_us() + static_cast<std::int64_t>(random.below(5));
        while (!expected.empty() && expected.begin()->first.first <= until_us) {
            expected_order.push_back(expected.begin()->second);
            expected.erase(expected.begin());
        }
        time_.run_until(until_us);
    }
    EXPECT_GT(expected_order.size(), 1000U);
    EXPECT_EQ(order_, expected_order);
}

TEST_F(VirtualTimeTest, SurvivesJobsThatCancelEachOtherAtTheEnd) {
    VirtualTime time(trace_);
    auto first = time.schedule(1, 0, [] {});
    time.schedule(2, 0, [held = std::move(first)]() mutable { held.reset(); }).release();
    // Destroying the second job cancels the first while the queue goes away.
}

TEST_F(VirtualTimeTest, EndsATurnAfterAllThatWasPosted) {
    SimulatedExecutor executor(time_, 0);
    executor.on_turn_end([this] { order_.push_back(99); });
    executor.run_turn([&] {
        executor.post([this] { order_.push_back(2); });
        order_.push_back(1);
    });

    EXPECT_EQ(order_, (std::vector<int>{1, 2, 99}));
}

TEST_F(VirtualTimeTest, RunsInANewTurnWhatTheEndOfATurnPosts) {
    SimulatedExecutor executor(time_, 0);
    bool has_posted = false;
    executor.on_turn_end([&] {
        order_.push_back(99);
        if (std::exchange(has_posted, true)) return;
        executor.post([this] { order_.push_back(3); });
    });
    executor.run_turn([this] { order_.push_back(1); });
    time_.run_until(1);

    EXPECT_EQ(order_, (std::vector<int>{1, 99, 3, 99}));
}

}  // namespace
}  // namespace matrix::simulator
