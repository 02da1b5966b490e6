// ReceiveQueue: one after the other, in the order in which they came.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "refserver/runtime/completion.h"
#include "refserver/runtime/executor.h"

namespace matrix::engine {

class ReceiveQueue {
public:
    /// How many may wait; a peer that sends more is told to come again.
    static constexpr std::size_t kWaitingMax = 10'000;

    explicit ReceiveQueue(runtime::Executor& executor) : executor_(executor) {}
    ReceiveQueue(const ReceiveQueue&) = delete;
    ReceiveQueue& operator=(const ReceiveQueue&) = delete;

    /// `if (!co_await queue.enter()) ...`: false, at once, if too many wait; true when it is the
    /// caller's turn, who then calls `leave` at the end.
    runtime::Completion<bool> enter();
    /// The next one goes on later, from the loop.
    void leave();

    std::size_t waiting() const { return waiting_.size(); }

private:
    void admit_next();

    runtime::Executor& executor_;
    bool is_busy_ = false;
    std::map<std::uint64_t, runtime::Completion<bool>::Done> waiting_;
    std::uint64_t next_ticket_ = 0;
    // What is posted to the executor looks whether we live.
    std::shared_ptr<ReceiveQueue*> self_ = std::make_shared<ReceiveQueue*>(this);
};

}  // namespace matrix::engine
