// EventLoop: the engine's thread. Jobs, timers, and the time that stands still within a turn.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "refserver/runtime/clock.h"
#include "refserver/runtime/executor.h"

namespace matrix::platform {

struct TurnLimits {
    std::size_t jobs_max = 512;
    /// After this a turn ends early, and its other jobs belong to the next one.
    std::chrono::microseconds time_max{2000};
};

class EventLoop final : public runtime::Executor, public runtime::Clock {
public:
    explicit EventLoop(TurnLimits limits = {});
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    /// Runs turns on the calling thread until `stop`. Jobs that are left are dropped with the loop.
    void run();
    /// Ends `run` after the current turn. From any thread.
    void stop();

    /// From any thread.
    void post(std::move_only_function<void()> job) override;
    void on_turn_end(std::move_only_function<void()> callback) override;

    using SlowTurn = std::move_only_function<void(std::int64_t turn_us, std::int64_t cpu_us)>;
    /// Called after each turn longer than `kSlowTurnUs`, with how long it took by the clock, and
    /// how much of that the loop worked. Set it before `run`.
    void on_slow_turn(SlowTurn callback);

    runtime::Timestamp now() const override { return now_; }
    runtime::Timestamp monotonic_now() const override { return monotonic_now_; }
    runtime::Pending call_after(runtime::Duration delay,
                                std::move_only_function<void()> callback) override;

    /// Also after `run` has returned.
    runtime::LoopStatistics statistics() const override { return statistics_; }

private:
    using Job = std::move_only_function<void()>;
    using SteadyTime = std::chrono::steady_clock::time_point;
    using TimerKey = std::pair<std::int64_t, std::uint64_t>;  // Deadline by the steady clock, id.

    bool wait_for_work();
    void run_turn();
    void run_due_timers();
    void run_jobs(SteadyTime turn_start);
    SteadyTime look_at_clocks();

    const TurnLimits limits_;

    std::mutex mutex_;  // Guards the three that follow.
    std::condition_variable wake_;
    std::deque<Job> posted_;
    bool is_stopping_ = false;

    // The loop's thread alone.
    std::deque<Job> ready_;
    std::map<TimerKey, Job> timers_;
    std::uint64_t next_timer_id_ = 0;
    Job turn_end_;
    SlowTurn on_slow_turn_;
    runtime::Timestamp now_;
    runtime::Timestamp monotonic_now_;
    runtime::LoopStatistics statistics_;
};

}  // namespace matrix::platform
