// Executor: the engine's loop. It runs jobs one at a time, in turns.
//
// A turn is a run of jobs between two looks at the outside world. Time stands still within a turn,
// and its end is where the storage commits.
#pragma once

#include <cstdint>
#include <functional>

namespace matrix::runtime {

/// No turn should take longer: everybody waits for it.
inline constexpr std::int64_t kSlowTurnUs = 5000;

/// What a loop has done so far. A loop over virtual time, in which no turn takes any, counts
/// nothing.
struct LoopStatistics {
    std::uint64_t turns = 0;
    std::uint64_t jobs = 0;
    std::uint64_t slow_turns = 0;  ///< Longer than `kSlowTurnUs`, by the clock.
    std::int64_t longest_turn_us = 0;
    std::int64_t longest_turn_cpu_us = 0;  ///< What the loop's thread worked, at most in one turn.
};

class Executor {
public:
    virtual ~Executor() = default;

    /// Runs `job` in this turn or a later one, after everything that was posted before.
    virtual void post(std::move_only_function<void()> job) = 0;

    /// Called at the end of every turn, after its last job; what it posts belongs to the next turn.
    /// There is one: the storage's.
    virtual void on_turn_end(std::move_only_function<void()> callback) = 0;

    /// Ask on the loop.
    virtual LoopStatistics statistics() const { return {}; }
};

}  // namespace matrix::runtime
