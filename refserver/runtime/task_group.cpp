#include "refserver/runtime/task_group.h"

#include <utility>

namespace matrix::runtime {

// A root frees itself at its end; while it waits, the group's destructor does.
struct TaskGroup::Root {
    struct promise_type {
        Root get_return_object() noexcept {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
    };
    std::coroutine_handle<promise_type> handle;
};

TaskGroup::Root TaskGroup::run(Task<void> task, std::uint64_t id) {
    co_await std::move(task);
    running_.erase(id);
}

TaskGroup::~TaskGroup() {
    while (!running_.empty()) {
        // Taken out first: what its destructors start or end finds the group in order.
        const auto handle = running_.extract(running_.begin()).mapped();
        handle.destroy();
    }
}

void TaskGroup::start(Task<void> task) {
    const std::uint64_t id = next_id_++;
    const auto handle = run(std::move(task), id).handle;
    running_.emplace(id, handle);
    handle.resume();
}

}  // namespace matrix::runtime
