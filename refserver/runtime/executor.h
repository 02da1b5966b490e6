// Executor: the engine's loop. It runs jobs one at a time, in turns.
//
// A turn is a run of jobs between two looks at the outside world. Time stands still within a turn,
// and its end is where the storage commits.
#pragma once

#include <functional>

namespace matrix::runtime {

class Executor {
public:
    virtual ~Executor() = default;

    /// Runs `job` in this turn or a later one, after everything that was posted before.
    virtual void post(std::move_only_function<void()> job) = 0;

    /// Called at the end of every turn, after its last job; what it posts belongs to the next turn.
    /// There is one: the storage's.
    virtual void on_turn_end(std::move_only_function<void()> callback) = 0;
};

}  // namespace matrix::runtime
