// ReceiveQueue: one event after the other, the servers that bring them in turn.
//
// What one server brings stays in the order in which it came. A server that floods the room waits
// for itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "refserver/protocol/identifiers.h"
#include "refserver/runtime/completion.h"
#include "refserver/runtime/executor.h"

namespace matrix::engine {

class ReceiveQueue {
public:
    /// How many may wait of one server, and of all; who brings more is told to come again.
    static constexpr std::size_t kWaitingOfOneMax = 500;
    static constexpr std::size_t kWaitingMax = 10'000;

    explicit ReceiveQueue(runtime::Executor& executor) : executor_(executor) {}
    ReceiveQueue(const ReceiveQueue&) = delete;
    ReceiveQueue& operator=(const ReceiveQueue&) = delete;

    /// `if (!co_await queue.enter(origin)) ...`: false, at once, if too many wait; true when it is
    /// the caller's turn, who then calls `leave` at the end.
    runtime::Completion<bool> enter(ServerName origin);
    /// The next one goes on later, from the loop.
    void leave();

    std::size_t waiting() const { return waiting_count_; }

private:
    void admit_next();
    void give_up(const ServerName& origin, std::uint64_t ticket);

    runtime::Executor& executor_;
    bool is_busy_ = false;
    /// Of each server that waits, in its order; none is empty.
    using Line = std::map<std::uint64_t, runtime::Completion<bool>::Done>;
    std::map<ServerName, Line> waiting_;
    std::size_t waiting_count_ = 0;
    ServerName last_admitted_;
    std::uint64_t next_ticket_ = 0;
    // What is posted to the executor looks whether we live.
    std::shared_ptr<ReceiveQueue*> self_ = std::make_shared<ReceiveQueue*>(this);
};

}  // namespace matrix::engine
