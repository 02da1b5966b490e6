// TaskGroup: owns the tasks that outlive their caller, and destroys them with itself.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <map>

#include "refserver/runtime/task.h"

namespace matrix::runtime {

class TaskGroup {
public:
    TaskGroup() = default;
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;
    /// Destroys what still waits, the oldest first.
    ~TaskGroup();

    /// Runs `task` until it waits for the first time; it goes on by itself and is freed at its end.
    void start(Task<void> task);

    std::size_t size() const { return running_.size(); }

private:
    struct Root;
    Root run(Task<void> task, std::uint64_t id);

    std::map<std::uint64_t, std::coroutine_handle<>> running_;
    std::uint64_t next_id_ = 0;
};

}  // namespace matrix::runtime
