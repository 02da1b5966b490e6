#include "refserver/platform/event_loop.h"

#include <algorithm>
#include <utility>

#include <time.h>

namespace matrix::platform {
namespace {

// Far enough to be never; near enough for the system's clocks to count to.
constexpr std::int64_t kDelayMaxMs = std::int64_t{10} * 365 * 24 * 60 * 60 * 1000;

// What the calling thread has worked so far: on a loaded machine a turn may last longer than that.
std::int64_t thread_cpu_us() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

}  // namespace

EventLoop::EventLoop(TurnLimits limits) : limits_(limits) {
    look_at_clocks();
}

void EventLoop::run() {
    while (wait_for_work())
        run_turn();
}

void EventLoop::stop() {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    wake_.notify_one();
}

void EventLoop::post(std::move_only_function<void()> job) {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(job));
    if (posted_.size() == 1) wake_.notify_one();
}

void EventLoop::on_turn_end(std::move_only_function<void()> callback) {
    turn_end_ = std::move(callback);
}

void EventLoop::on_slow_turn(SlowTurn callback) {
    on_slow_turn_ = std::move(callback);
}

runtime::Pending EventLoop::call_after(runtime::Duration delay,
                                       std::move_only_function<void()> callback) {
    const std::int64_t wait = std::clamp<std::int64_t>(delay.value, 0, kDelayMaxMs);
    const TimerKey key{monotonic_now_.value + wait, next_timer_id_++};
    timers_.emplace(key, std::move(callback));
    return runtime::Pending([this, key] { timers_.erase(key); });
}

// False when the loop is to end.
bool EventLoop::wait_for_work() {
    std::unique_lock lock(mutex_);
    const auto has_work = [this] { return is_stopping_ || !posted_.empty(); };
    if (!ready_.empty()) {
        // A turn that ended early left jobs: they come before what was posted meanwhile.
    } else if (timers_.empty()) {
        wake_.wait(lock, has_work);
    } else {
        const SteadyTime deadline{std::chrono::milliseconds(timers_.begin()->first.first)};
        wake_.wait_until(lock, deadline, has_work);
    }
    if (is_stopping_) return false;
    if (ready_.empty()) {
        ready_.swap(posted_);
    } else {
        std::ranges::move(posted_, std::back_inserter(ready_));
        posted_.clear();
    }
    return true;
}

void EventLoop::run_turn() {
    const SteadyTime start = look_at_clocks();
    const std::int64_t cpu_start_us = thread_cpu_us();
    run_due_timers();
    run_jobs(start);
    if (turn_end_) turn_end_();

    using std::chrono::duration_cast;
    using std::chrono::microseconds;
    const std::int64_t turn_us =
        duration_cast<microseconds>(std::chrono::steady_clock::now() - start).count();
    const std::int64_t cpu_us = thread_cpu_us() - cpu_start_us;
    statistics_.longest_turn_us = std::max(statistics_.longest_turn_us, turn_us);
    statistics_.longest_turn_cpu_us = std::max(statistics_.longest_turn_cpu_us, cpu_us);
    ++statistics_.turns;
    if (turn_us <= runtime::kSlowTurnUs) return;
    ++statistics_.slow_turns;
    if (on_slow_turn_) on_slow_turn_(turn_us, cpu_us);
}

// Only timers that were set before this turn: one that sets itself again must not hold the turn.
void EventLoop::run_due_timers() {
    const std::uint64_t first_new_id = next_timer_id_;
    auto next = timers_.begin();
    while (next != timers_.end() && next->first.first <= monotonic_now_.value) {
        if (next->first.second >= first_new_id) {
            ++next;
            continue;
        }
        const TimerKey key = next->first;
        Job callback = std::move(next->second);
        timers_.erase(next);
        callback();
        // The callback may have cancelled any other timer.
        next = timers_.upper_bound(key);
    }
}

void EventLoop::run_jobs(SteadyTime turn_start) {
    for (std::size_t left = limits_.jobs_max; left > 0 && !ready_.empty(); --left) {
        Job job = std::move(ready_.front());
        ready_.pop_front();
        job();
        ++statistics_.jobs;
        if (std::chrono::steady_clock::now() - turn_start > limits_.time_max) break;
    }
}

EventLoop::SteadyTime EventLoop::look_at_clocks() {
    using std::chrono::duration_cast;
    using std::chrono::milliseconds;
    const SteadyTime steady = std::chrono::steady_clock::now();
    const auto wall = std::chrono::system_clock::now();
    monotonic_now_ = {duration_cast<milliseconds>(steady.time_since_epoch()).count()};
    now_ = {duration_cast<milliseconds>(wall.time_since_epoch()).count()};
    return steady;
}

}  // namespace matrix::platform
