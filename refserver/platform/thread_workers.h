// ThreadWorkers: a small pool of threads for each kind of work, started when first needed.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "refserver/platform/callback_table.h"
#include "refserver/runtime/executor.h"
#include "refserver/runtime/workers.h"

namespace matrix::platform {

class ThreadWorkers final : public runtime::Workers {
public:
    /// `threads_max` counts per lane.
    explicit ThreadWorkers(runtime::Executor& executor,
                           std::size_t threads_max = std::thread::hardware_concurrency());
    ThreadWorkers(const ThreadWorkers&) = delete;
    ThreadWorkers& operator=(const ThreadWorkers&) = delete;
    /// Waits for the jobs that run, and drops those that have not begun.
    ~ThreadWorkers() override;

    runtime::Pending start(runtime::Lane lane,
                           std::move_only_function<void()> job,
                           std::move_only_function<void()> done) override;

private:
    struct Job {
        std::uint64_t id;
        std::move_only_function<void()> run;
    };
    struct LaneQueue {
        std::deque<Job> jobs;
        std::condition_variable wake;
        std::vector<std::thread> threads;
        std::size_t idle = 0;
    };
    void run_lane(LaneQueue& lane);
    void withdraw(LaneQueue& lane, std::uint64_t id);

    runtime::Executor& executor_;
    const std::size_t threads_max_;
    CallbackTable<> callbacks_;

    std::mutex mutex_;  // Guards the two that follow.
    std::array<LaneQueue, runtime::kLaneCount> lanes_;
    bool is_stopping_ = false;
};

}  // namespace matrix::platform
