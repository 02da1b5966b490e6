#include "simulator/virtual_time.h"

#include <algorithm>

namespace matrix::simulator {

runtime::Pending VirtualTime::schedule(std::int64_t delay_us,
                                       int server,
                                       std::move_only_function<void()> job) {
    MATRIX_ASSERT(delay_us >= 0);
    const Key key(now_us_ + delay_us, next_++);
    queue_.emplace(key, Job{server, std::move(job)});
    return runtime::Pending([this, key] { queue_.erase(key); });
}

bool VirtualTime::step() {
    if (queue_.empty()) return false;
    auto next = queue_.extract(queue_.begin());
    now_us_ = next.key().first;
    trace_.dispatch(now_us_, next.mapped().server);
    next.mapped().run();
    return true;
}

void VirtualTime::run_until(std::int64_t time_us) {
    while (!queue_.empty() && queue_.begin()->first.first <= time_us)
        step();
    now_us_ = std::max(now_us_, time_us);
}

}  // namespace matrix::simulator
