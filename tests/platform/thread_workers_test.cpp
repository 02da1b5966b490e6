#include "refserver/platform/thread_workers.h"

#include <atomic>
#include <latch>
#include <optional>

#include <gtest/gtest.h>

#include "refserver/runtime/task_group.h"
#include "tests/platform/real_world.h"

namespace matrix::platform {
namespace {

using runtime::Lane;

TEST(ThreadWorkers, RunsTheJobElsewhereAndCallsBackOnTheLoop) {
    LoopThread loop;
    ThreadWorkers workers(loop.loop);
    std::promise<std::pair<std::thread::id, std::thread::id>> result;
    std::thread::id job_thread;
    runtime::Pending pending;
    const auto loop_thread = loop.run([&] {
        pending = workers.start(
            Lane::Queries,
            [&] { job_thread = std::this_thread::get_id(); },
            [&] { result.set_value({job_thread, std::this_thread::get_id()}); });
        return std::this_thread::get_id();
    });
    const auto [ran_on, called_on] = result.get_future().get();
    EXPECT_NE(ran_on, loop_thread);
    EXPECT_EQ(called_on, loop_thread);
    loop.run([&] { pending.reset(); });
    loop.end();
}

// A lane without a queue once ended each server whose log was due for its first checkpoint.
TEST(ThreadWorkers, RunsJobsOfEveryLane) {
    LoopThread loop;
    ThreadWorkers workers(loop.loop, 1);
    std::latch ended(runtime::kLaneCount);
    std::vector<runtime::Pending> pending;
    loop.run([&] {
        for (const Lane lane :
             {Lane::Passwords, Lane::Signatures, Lane::Queries, Lane::Checkpoints}) {
            pending.push_back(workers.start(lane, [] {}, [&] { ended.count_down(); }));
        }
    });
    ended.wait();
    loop.run([&] { pending.clear(); });
    loop.end();
}

TEST(ThreadWorkers, GoesOnWhenAllJobsHaveRun) {
    LoopThread loop;
    ThreadWorkers workers(loop.loop, 2);
    runtime::TaskGroup tasks;
    std::promise<int> counted;
    loop.run([&] {
        tasks.start([](ThreadWorkers* on, std::promise<int>* result) -> runtime::Task<void> {
            std::atomic<int> ran = 0;
            std::vector<std::move_only_function<void()>> jobs;
            for (int job = 0; job < 20; ++job)
                jobs.emplace_back([&ran] { ++ran; });
            co_await on->run_all(Lane::Signatures, std::move(jobs));
            std::vector<std::move_only_function<void()>> none;
            co_await on->run_all(Lane::Signatures, std::move(none));
            result->set_value(ran);
        }(&workers, &counted));
    });
    EXPECT_EQ(counted.get_future().get(), 20);
    loop.end();
}

TEST(ThreadWorkers, OneLaneDoesNotHoldUpAnother) {
    LoopThread loop;
    ThreadWorkers workers(loop.loop, 1);
    std::latch slow_may_end(1);
    std::promise<void> fast_ended;
    std::promise<void> slow_ended;
    std::vector<runtime::Pending> pending;
    loop.run([&] {
        pending.push_back(workers.start(
            Lane::Passwords, [&] { slow_may_end.wait(); }, [&] { slow_ended.set_value(); }));
        pending.push_back(workers.start(Lane::Signatures, [] {}, [&] { fast_ended.set_value(); }));
    });
    fast_ended.get_future().get();
    slow_may_end.count_down();
    slow_ended.get_future().get();
    loop.end();
}

TEST(ThreadWorkers, DoesNotCallBackWhatWasCancelled) {
    LoopThread loop;
    ThreadWorkers workers(loop.loop, 1);
    std::latch first_may_end(1);
    std::atomic<bool> second_ran = false;
    bool was_called = false;
    std::promise<void> third_ended;
    std::vector<runtime::Pending> pending;
    loop.run([&] {
        pending.push_back(workers.start(
            Lane::Queries, [&] { first_may_end.wait(); }, [&] { was_called = true; }));
        pending.push_back(
            workers.start(Lane::Queries, [&] { second_ran = true; }, [&] { was_called = true; }));
        pending.clear();
        pending.push_back(workers.start(Lane::Queries, [] {}, [&] { third_ended.set_value(); }));
    });
    first_may_end.count_down();
    third_ended.get_future().get();
    EXPECT_FALSE(second_ran);
    EXPECT_FALSE(loop.run([&] { return was_called; }));
    loop.end();
}

TEST(ThreadWorkers, EndsWithJobsLeft) {
    LoopThread loop;
    std::vector<runtime::Pending> pending;
    std::optional<ThreadWorkers> workers(std::in_place, loop.loop, 2);
    loop.run([&] {
        for (int i = 0; i < 100; ++i) {
            pending.push_back(workers->start(Lane::Signatures, [] {}, [] {}));
        }
    });
    loop.end();
    pending.clear();
    workers.reset();
}

}  // namespace
}  // namespace matrix::platform
