#include "simulator/simulated_durability.h"

#include <utility>

namespace matrix::simulator {

runtime::Pending SimulatedDurability::sync(std::move_only_function<void()> done) {
    const std::int64_t span = settings_.delay_max.value - settings_.delay_min.value;
    const auto extra =
        static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(span) + 1));
    const runtime::Duration delay{settings_.delay_min.value + extra};
    return clock_.call_after(delay, [this, done = std::move(done)]() mutable {
        if (sync_log()) return done();
        if (settings_.on_failure) settings_.on_failure();
    });
}

bool SimulatedDurability::sync_log() {
    // Without a log nothing was written. It is never removed while the database is open.
    if (!disk_.exists(settings_.log_name)) return true;
    const auto log = disk_.open(settings_.log_name);
    return log != nullptr && log->sync() == runtime::DiskStatus::Ok;
}

}  // namespace matrix::simulator
