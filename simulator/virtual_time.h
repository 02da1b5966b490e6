// VirtualTime: the one queue of everything that will happen, and the loop that makes it happen.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/runtime/pending.h"
#include "simulator/trace.h"

namespace matrix::simulator {

class VirtualTime {
public:
    explicit VirtualTime(Trace& trace) : trace_(trace) {}
    VirtualTime(const VirtualTime&) = delete;
    VirtualTime& operator=(const VirtualTime&) = delete;
    /// What is still scheduled is destroyed, and may cancel other jobs while it is.
    ~VirtualTime() { const auto dropped = std::exchange(queue_, {}); }

    /// Microseconds since the start of the run.
    std::int64_t now_us() const { return now_us_; }

    /// Runs `job` at `now_us() + delay_us`, after what was scheduled for the same time before it.
    /// `server` is for the trace: whose job it is.
    runtime::Pending schedule(std::int64_t delay_us,
                              int server,
                              std::move_only_function<void()> job);

    /// Runs the next job; false when there is none.
    bool step();
    /// Runs until the time is reached or nothing is left to do.
    void run_until(std::int64_t time_us);
    /// When the next job is due; nothing is left if it is negative.
    std::int64_t next_us() const { return queue_.empty() ? -1 : queue_.begin()->first.first; }

private:
    struct Job {
        int server;
        std::move_only_function<void()> run;
    };
    using Key = std::pair<std::int64_t, std::uint64_t>;  ///< Time, then order of scheduling.

    Trace& trace_;
    std::map<Key, Job> queue_;
    std::int64_t now_us_ = 0;
    std::uint64_t next_ = 0;
};

}  // namespace matrix::simulator
