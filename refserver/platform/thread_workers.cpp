#include "refserver/platform/thread_workers.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <malloc.h>

namespace matrix::platform {
namespace {

/// When a thread has had nothing to do for so long, what its jobs have used and freed goes back to
/// the system: the state of a large room is ten times as large while it is read as it is kept.
constexpr std::chrono::milliseconds kRestBeforeTrim{200};

}  // namespace

ThreadWorkers::ThreadWorkers(runtime::Executor& executor, std::size_t threads_max)
    : executor_(executor), threads_max_(std::max<std::size_t>(threads_max, 1)) {}

ThreadWorkers::~ThreadWorkers() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
    }
    for (LaneQueue& lane : lanes_) {
        lane.wake.notify_all();
        for (std::thread& thread : lane.threads)
            thread.join();
    }
}

runtime::Pending ThreadWorkers::start(runtime::Lane lane,
                                      std::move_only_function<void()> job,
                                      std::move_only_function<void()> done) {
    LaneQueue& queue = lanes_[static_cast<std::size_t>(lane)];
    const std::uint64_t id = callbacks_.add(std::move(done));
    {
        const std::lock_guard lock(mutex_);
        queue.jobs.push_back({id, std::move(job)});
        if (queue.jobs.size() > queue.idle && queue.threads.size() < threads_max_) {
            queue.threads.emplace_back([this, &queue] { run_lane(queue); });
        }
        queue.wake.notify_one();
    }
    return callbacks_.pending(id, [this, &queue, id] { withdraw(queue, id); });
}

void ThreadWorkers::run_lane(LaneQueue& lane) {
    bool has_worked = false;
    while (true) {
        std::optional<Job> job;
        {
            std::unique_lock lock(mutex_);
            ++lane.idle;
            const auto has_work = [&] { return is_stopping_ || !lane.jobs.empty(); };
            if (has_worked && !lane.wake.wait_for(lock, kRestBeforeTrim, has_work)) {
                lock.unlock();
                ::malloc_trim(0);
                lock.lock();
            }
            lane.wake.wait(lock, has_work);
            --lane.idle;
            has_worked = true;
            if (is_stopping_) return;
            job.emplace(std::move(lane.jobs.front()));
            lane.jobs.pop_front();
        }
        job->run();
        const std::uint64_t id = job->id;
        job.reset();  // Before the engine hears of it: the result then has one owner.
        executor_.post([this, id] { callbacks_.call(id); });
    }
}

void ThreadWorkers::withdraw(LaneQueue& lane, std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    std::erase_if(lane.jobs, [id](const Job& job) { return job.id == id; });
}

}  // namespace matrix::platform
