// gather: asks several servers at once, and goes on without those that take too long.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <utility>

#include "refserver/protocol/identifiers.h"
#include "refserver/runtime/clock.h"
#include "refserver/runtime/completion.h"
#include "refserver/runtime/task.h"
#include "refserver/runtime/task_group.h"

namespace matrix::engine {

/// What has come of a `gather`, shared with the tasks that may outlive it.
template <class Answer>
struct Gathered {
    std::map<ServerName, Answer> answers;
    std::size_t expected = 0;
    runtime::Completion<bool>::Done done;

    void finish(bool is_complete) {
        if (auto resume = std::exchange(done, nullptr)) resume(is_complete);
    }
};

template <class Answer>
runtime::Task<void> keep_answer(runtime::Task<Answer> task,
                                ServerName server,
                                std::shared_ptr<Gathered<Answer>> into) {
    into->answers.emplace(std::move(server), co_await std::move(task));
    if (into->answers.size() == into->expected) into->finish(true);
}

/// The answers that came within `timeout`. What comes later is dropped; `group`, which must outlive
/// the caller, owns the tasks until then.
template <class Answer>
runtime::Task<std::map<ServerName, Answer>> gather(
    runtime::TaskGroup& group,
    runtime::Clock& clock,
    std::map<ServerName, runtime::Task<Answer>> tasks,
    runtime::Duration timeout) {
    const auto gathered = std::make_shared<Gathered<Answer>>();
    gathered->expected = tasks.size();
    for (auto& [server, task] : tasks)
        group.start(keep_answer(std::move(task), server, gathered));
    if (gathered->answers.size() < gathered->expected) {
        co_await runtime::Completion<bool>([&](runtime::Completion<bool>::Done done) {
            gathered->done = std::move(done);
            return clock.call_after(timeout, [gathered] { gathered->finish(false); });
        });
    }
    co_return std::move(gathered->answers);
}

}  // namespace matrix::engine
