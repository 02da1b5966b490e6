// Checkers: what must be true of every run, whatever its scenario.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "simulator/wiretap.h"
#include "simulator/world.h"

namespace matrix::simulator {

/// One checker in one run. Findings go to `world.findings()` under the checker's name, what it
/// looked at to `world.measure()`.
class Check {
public:
    virtual ~Check() = default;
    /// A request has come to a server: what to do with its answer, within the turn in which that
    /// leaves.
    virtual Hear listen(World& /*world*/, const Heard& /*heard*/) { return {}; }
    /// Once, when everybody joined and the timeline is about to begin.
    virtual void begin(World& /*world*/) {}
    /// Once a virtual second while the timeline runs, between two turns of all servers: safety,
    /// which holds in the middle of any fault.
    virtual void watch(World& /*world*/) {}
    /// After the world healed and came to rest, one check after the other: what it has to ask the
    /// servers, in virtual time. Not if the world did not come to rest.
    virtual Task<void> inquire(World* /*world*/) { co_return; }
    /// At the end, between two turns of all servers.
    virtual void conclude(World& world) = 0;
};

struct Checker {
    std::string_view name;
    std::string_view meaning;  ///< A sentence for `simulator list`.
    std::unique_ptr<Check> (*make)();
};

/// Lets a checker's questions to servers come to their end, in virtual time; a finding if servers
/// do not answer within an hour. What the task refers to must outlive the check.
void ask_to_the_end(World& world, std::string_view checker, runtime::Task<void> task);

/// The table of checkers; all of them look at every run.
std::span<const Checker> all_checkers();

/// The constructors that the table names, one file each.
std::unique_ptr<Check> make_convergence_check();
std::unique_ptr<Check> make_soundness_check();
std::unique_ptr<Check> make_oracle_check();
std::unique_ptr<Check> make_acknowledged_check();
std::unique_ptr<Check> make_served_state_check();
std::unique_ptr<Check> make_sync_fold_check();
std::unique_ptr<Check> make_visibility_check();
std::unique_ptr<Check> make_bounded_check();
std::unique_ptr<Check> make_liveness_check();
std::unique_ptr<Check> make_restart_check();
std::unique_ptr<Check> make_device_check();
std::unique_ptr<Check> make_history_check();
std::unique_ptr<Check> make_upgrade_check();
std::unique_ptr<Check> make_space_check();

}  // namespace matrix::simulator
