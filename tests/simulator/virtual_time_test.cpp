#include "simulator/virtual_time.h"

#include <vector>

#include <gtest/gtest.h>

#include "simulator/simulated_loop.h"

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
