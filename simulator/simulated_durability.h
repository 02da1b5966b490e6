// SimulatedDurability: syncs the database's log after a drawn delay, on a simulated disk.
#pragma once

#include <functional>
#include <string>

#include "refserver/runtime/clock.h"
#include "refserver/runtime/disk.h"
#include "refserver/runtime/durability.h"
#include "refserver/runtime/random.h"

namespace matrix::simulator {

class SimulatedDurability final : public runtime::Durability {
public:
    struct Settings {
        std::string log_name = "homeserver.db-wal";
        runtime::Duration delay_min = runtime::milliseconds(0);
        runtime::Duration delay_max = runtime::milliseconds(4);
        /// The disk failed to sync. A real process ends here; nobody is told that the sync is done.
        std::function<void()> on_failure;
    };
    SimulatedDurability(runtime::Disk& disk,
                        runtime::Clock& clock,
                        runtime::Random& random,
                        Settings settings)
        : disk_(disk), clock_(clock), random_(random), settings_(std::move(settings)) {}

    runtime::Pending sync(std::move_only_function<void()> done) override;

private:
    bool sync_log();

    runtime::Disk& disk_;
    runtime::Clock& clock_;
    runtime::Random& random_;
    Settings settings_;
};

}  // namespace matrix::simulator
