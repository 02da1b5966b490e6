#include "refserver/engine/rooms/receive_queue.h"

#include <utility>

namespace matrix::engine {

runtime::Completion<bool> ReceiveQueue::enter() {
    return runtime::Completion<bool>([this](runtime::Completion<bool>::Done done) {
        if (is_busy_ && waiting_.size() < kWaitingMax) {
            const std::uint64_t ticket = next_ticket_++;
            waiting_.emplace(ticket, std::move(done));
            return runtime::Pending([this, ticket] { waiting_.erase(ticket); });
        }
        done(!std::exchange(is_busy_, true));
        return runtime::Pending();
    });
}

void ReceiveQueue::leave() {
    executor_.post([weak = std::weak_ptr<ReceiveQueue*>(self_)] {
        if (const auto self = weak.lock()) (*self)->admit_next();
    });
}

void ReceiveQueue::admit_next() {
    if (waiting_.empty()) {
        is_busy_ = false;
        return;
    }
    auto next = waiting_.extract(waiting_.begin());
    next.mapped()(true);
}

}  // namespace matrix::engine
