// Checkers: what must be true of every run, whatever its scenario.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "simulator/world.h"

namespace matrix::simulator {

/// One checker in one run. Findings go to `world.findings()` under the checker's name, what it
/// looked at to `world.measure()`.
class Check {
public:
    virtual ~Check() = default;
    /// Once a virtual second while the timeline runs, between two turns of all servers: safety,
    /// which holds in the middle of any fault.
    virtual void watch(World& /*world*/) {}
    /// At the end, after the world healed and came to rest.
    virtual void conclude(World& world) = 0;
};

struct Checker {
    std::string_view name;
    std::string_view meaning;  ///< A sentence for `simulator list`.
    std::unique_ptr<Check> (*make)();
};

/// The table of checkers; all of them look at every run.
std::span<const Checker> all_checkers();

/// The constructors that the table names, one file each.
std::unique_ptr<Check> make_convergence_check();
std::unique_ptr<Check> make_soundness_check();
std::unique_ptr<Check> make_restart_check();

}  // namespace matrix::simulator
