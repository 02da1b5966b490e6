#include "refserver/platform/event_loop.h"

#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/platform/real_world.h"

namespace matrix::platform {
namespace {

TEST(EventLoop, RunsJobsInTheOrderInWhichTheyWerePosted) {
    EventLoop loop;
    std::string order;
    loop.post([&] {
        order += 'a';
        loop.post([&] {
            order += 'c';
            loop.stop();
        });
    });
    loop.post([&] { order += 'b'; });
    loop.run();
    EXPECT_EQ(order, "abc");
}

TEST(EventLoop, EndsEachTurnOnceAndItsJobsBelongToTheNext) {
    EventLoop loop;
    std::string order;
    loop.on_turn_end([&] {
        order += '|';
        if (order == "ab|") loop.post([&] { order += 'c', loop.stop(); });
    });
    loop.post([&] { order += 'a'; });
    loop.post([&] { order += 'b'; });
    loop.run();
    EXPECT_EQ(order, "ab|c|");
}

TEST(EventLoop, EndsATurnThatHasRunEnoughJobs) {
    EventLoop loop({.jobs_max = 3, .time_max = std::chrono::seconds(10)});
    std::vector<int> jobs_per_turn;
    int jobs = 0;
    loop.on_turn_end([&] { jobs_per_turn.push_back(std::exchange(jobs, 0)); });
    for (int i = 0; i < 8; ++i)
        loop.post([&] { ++jobs; });
    loop.post([&] { loop.stop(); });
    loop.run();
    EXPECT_EQ(jobs_per_turn, (std::vector{3, 3, 2}));
}

TEST(EventLoop, CountsAndTellsSlowTurnsAlone) {
    EventLoop loop;
    std::vector<std::int64_t> slow_us;
    loop.on_slow_turn([&](std::int64_t turn_us, std::int64_t cpu_us) {
        EXPECT_LE(cpu_us, turn_us);
        slow_us.push_back(turn_us);
    });
    loop.post([&] {
        std::this_thread::sleep_for(std::chrono::microseconds(runtime::kSlowTurnUs + 1));
        loop.post([&] { loop.stop(); });
    });
    loop.run();
    // A machine that is busy may make the second turn slow, too.
    ASSERT_GE(slow_us.size(), 1U);
    EXPECT_GT(slow_us.front(), runtime::kSlowTurnUs);
    EXPECT_EQ(loop.statistics().slow_turns, slow_us.size());
}

TEST(EventLoop, TimeStandsStillWithinATurn) {
    EventLoop loop;
    loop.post([&] {
        const auto before = loop.monotonic_now();
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        EXPECT_EQ(loop.monotonic_now(), before);
        loop.post([&, before] {
            EXPECT_GE((loop.monotonic_now() - before).value, 4);
            loop.stop();
        });
    });
    loop.run();
}

TEST(EventLoop, CallsTimersInOrderOfTheirDeadline) {
    EventLoop loop;
    std::string order;
    std::vector<runtime::Pending> timers;
    timers.push_back(
        loop.call_after(runtime::milliseconds(20), [&] { order += 'c', loop.stop(); }));
    timers.push_back(loop.call_after(runtime::milliseconds(5), [&] { order += 'a'; }));
    timers.push_back(loop.call_after(runtime::milliseconds(10), [&] { order += 'b'; }));
    loop.run();
    EXPECT_EQ(order, "abc");
}

TEST(EventLoop, ATimerMayCancelAnotherThatIsDue) {
    EventLoop loop;
    std::string order;
    runtime::Pending second;
    const auto first = loop.call_after(runtime::milliseconds(1), [&] {
        order += 'a';
        second.reset();
    });
    second = loop.call_after(runtime::milliseconds(1), [&] { order += 'b'; });
    const auto last = loop.call_after(runtime::milliseconds(5), [&] { loop.stop(); });
    loop.run();
    EXPECT_EQ(order, "a");
}

TEST(EventLoop, ATimerThatSetsItselfAgainDoesNotHoldTheTurn) {
    EventLoop loop;
    int calls = 0;
    std::vector<runtime::Pending> timers;
    std::function<void()> again = [&] {
        if (++calls == 100) return loop.stop();
        timers.push_back(loop.call_after(runtime::milliseconds(0), again));
    };
    timers.push_back(loop.call_after(runtime::milliseconds(0), again));
    loop.run();
    EXPECT_EQ(calls, 100);
    EXPECT_EQ(loop.statistics().turns, 100U);
}

TEST(EventLoop, ADistantTimerIsNeverDue) {
    EventLoop loop;
    const auto timer =
        loop.call_after({std::numeric_limits<std::int64_t>::max()}, [] { ADD_FAILURE(); });
    const auto soon = loop.call_after(runtime::milliseconds(2), [&] { loop.stop(); });
    loop.run();
}

TEST(EventLoop, TakesJobsFromManyThreadsWithoutLosingOne) {
    LoopThread loop;
    constexpr int kThreads = 4;
    constexpr int kJobs = 20'000;
    int done = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&] {
            for (int job = 0; job < kJobs; ++job)
                loop.loop.post([&] { ++done; });
        });
    }
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(loop.run([&] { return done; }), kThreads * kJobs);
}

}  // namespace
}  // namespace matrix::platform
