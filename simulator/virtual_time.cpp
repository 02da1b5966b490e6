#include "simulator/virtual_time.h"

#include <algorithm>
#include <utility>

namespace matrix::simulator {
namespace {

constexpr std::size_t kCancelledMin = 1024;  ///< So few are not worth a pass over the heap.

}  // namespace

VirtualTime::~VirtualTime() {
    heap_.clear();
    paused_.clear();
    const auto dropped = std::exchange(slots_, {});
}

runtime::Pending VirtualTime::schedule(std::int64_t delay_us,
                                       int server,
                                       std::move_only_function<void()> job) {
    MATRIX_ASSERT(delay_us >= 0);
    if (free_slots_.empty()) {
        MATRIX_ASSERT(slots_.size() < kSlotsMax);
        free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
        slots_.emplace_back();
    }
    MATRIX_ASSERT(next_ < kJobsMax);
    const Ticket ticket = (next_++ << kSlotBits) | free_slots_.back();
    free_slots_.pop_back();
    Slot& slot = slots_[slot_of(ticket)];
    slot.run = std::move(job);
    slot.ticket = ticket;
    slot.server = server;
    heap_.push_back({now_us_ + delay_us, ticket});
    std::ranges::push_heap(heap_, is_later);
    return runtime::Pending([this, ticket] { cancel(ticket); });
}

/// The job leaves its slot before it is run or destroyed: both may schedule and cancel others.
std::move_only_function<void()> VirtualTime::vacate(Ticket ticket) {
    Slot& slot = slots_[slot_of(ticket)];
    slot.ticket = kNoTicket;
    free_slots_.push_back(static_cast<std::uint32_t>(slot_of(ticket)));
    return std::exchange(slot.run, nullptr);
}

void VirtualTime::cancel(Ticket ticket) {
    // It may have run already, or the queue may be at its end.
    if (slot_of(ticket) >= slots_.size() || slots_[slot_of(ticket)].ticket != ticket) return;
    const auto dropped = vacate(ticket);
    ++cancelled_;
    if (cancelled_ > kCancelledMin && cancelled_ > heap_.size() / 2) drop_all_cancelled();
}

void VirtualTime::drop_all_cancelled() {
    const auto is_cancelled = [this](const Entry& entry) { return !is_live(entry); };
    std::erase_if(heap_, is_cancelled);
    for (auto& [server, waiting] : paused_)
        std::erase_if(waiting, is_cancelled);
    std::ranges::make_heap(heap_, is_later);
    cancelled_ = 0;
}

void VirtualTime::drop_cancelled_top() {
    while (!heap_.empty() && !is_live(heap_.front())) {
        std::ranges::pop_heap(heap_, is_later);
        heap_.pop_back();
        --cancelled_;
    }
}

std::int64_t VirtualTime::next_us() {
    drop_cancelled_top();
    return heap_.empty() ? -1 : heap_.front().time_us;
}

void VirtualTime::pause(int server) {
    paused_.try_emplace(server);
}

void VirtualTime::resume(int server) {
    const auto paused = paused_.find(server);
    if (paused == paused_.end()) return;
    const std::vector<Entry> waiting = std::exchange(paused->second, {});
    paused_.erase(paused);
    for (const Entry& entry : waiting) {
        heap_.push_back(entry);
        std::ranges::push_heap(heap_, is_later);
    }
}

/// Does the job's server stand still?
bool VirtualTime::set_aside(const Entry& next) {
    if (paused_.empty()) return false;
    const auto paused = paused_.find(slots_[slot_of(next.ticket)].server);
    if (paused == paused_.end()) return false;
    paused->second.push_back(next);
    return true;
}

bool VirtualTime::step() {
    drop_cancelled_top();
    if (heap_.empty() || stands_still()) return false;
    const Entry next = heap_.front();
    std::ranges::pop_heap(heap_, is_later);
    heap_.pop_back();
    jobs_at_once_ = next.time_us > now_us_ ? 0 : jobs_at_once_ + 1;
    // What waited is late: time does not go back for it.
    now_us_ = std::max(now_us_, next.time_us);
    if (set_aside(next)) return true;
    trace_.dispatch(now_us_, slots_[slot_of(next.ticket)].server);
    auto job = vacate(next.ticket);
    job();
    return true;
}

void VirtualTime::run_until(std::int64_t time_us) {
    while (true) {
        const std::int64_t next = next_us();
        if (next < 0 || next > time_us || !step()) break;
    }
    now_us_ = std::max(now_us_, time_us);
}

}  // namespace matrix::simulator
