#include "refserver/engine/rooms/receive_queue.h"

#include <utility>

#include "refserver/base/sometimes.h"

namespace matrix::engine {

runtime::Completion<bool> ReceiveQueue::enter(ServerName origin) {
    return runtime::Completion<bool>([this, origin = std::move(origin)](
                                         runtime::Completion<bool>::Done done) {
        if (!is_busy_) {
            is_busy_ = true;
            last_admitted_ = origin;
            done(true);
            return runtime::Pending();
        }
        const auto line = waiting_.find(origin);
        const bool is_line_full = line != waiting_.end() && line->second.size() >= kWaitingOfOneMax;
        if (is_line_full || waiting_count_ >= kWaitingMax) {
            SIM_SOMETIMES(is_line_full, "one server fills its line in a room's queue");
            done(false);
            return runtime::Pending();
        }
        SIM_SOMETIMES("an event waits for its turn in a room");
        const std::uint64_t ticket = next_ticket_++;
        waiting_[origin].emplace(ticket, std::move(done));
        ++waiting_count_;
        return runtime::Pending([this, origin, ticket] { give_up(origin, ticket); });
    });
}

void ReceiveQueue::give_up(const ServerName& origin, std::uint64_t ticket) {
    const auto line = waiting_.find(origin);
    if (line == waiting_.end() || line->second.erase(ticket) == 0) return;
    --waiting_count_;
    if (line->second.empty()) waiting_.erase(line);
}

void ReceiveQueue::leave() {
    executor_.post([weak = std::weak_ptr<ReceiveQueue*>(self_)] {
        if (const auto self = weak.lock()) (*self)->admit_next();
    });
}

// The next server in the order of names, and the first of what it brought.
void ReceiveQueue::admit_next() {
    if (waiting_.empty()) {
        is_busy_ = false;
        return;
    }
    SIM_SOMETIMES(waiting_.size() > 1, "several servers take turns in a room's queue");
    auto line = waiting_.upper_bound(last_admitted_);
    if (line == waiting_.end()) line = waiting_.begin();
    last_admitted_ = line->first;
    auto next = line->second.extract(line->second.begin());
    --waiting_count_;
    if (line->second.empty()) waiting_.erase(line);
    next.mapped()(true);
}

}  // namespace matrix::engine
