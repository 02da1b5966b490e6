// VirtualTime: the one queue of everything that will happen, and the loop that makes it happen.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "refserver/base/assert.h"
#include "refserver/runtime/pending.h"
#include "simulator/trace.h"

namespace matrix::simulator {

/// Jobs wait in slots that are used again; a heap orders what is due by time, then by the order of
/// scheduling. A cancelled job is destroyed at once, and its entry in the heap stays until it comes
/// to the top or such entries outnumber the others: most timeouts are cancelled, and none of them
/// needs to be found in the heap.
class VirtualTime {
public:
    explicit VirtualTime(Trace& trace) : trace_(trace) {}
    VirtualTime(const VirtualTime&) = delete;
    VirtualTime& operator=(const VirtualTime&) = delete;
    /// What is still scheduled is destroyed, and may cancel other jobs while it is.
    ~VirtualTime();

    /// Microseconds since the start of the run.
    std::int64_t now_us() const { return now_us_; }

    /// Runs `job` at `now_us() + delay_us`, after what was scheduled for the same time before it.
    /// `server` is for the trace: whose job it is.
    runtime::Pending schedule(std::int64_t delay_us,
                              int server,
                              std::move_only_function<void()> job);

    /// So many jobs at one moment are no work that ends.
    static constexpr std::uint64_t kJobsAtOnceMax = 2'000'000;
    /// More than `kJobsAtOnceMax` jobs ran while the time stood still. Nothing runs any more then,
    /// so that a run comes to its end and can say so.
    bool stands_still() const { return jobs_at_once_ > kJobsAtOnceMax; }

    /// From now on no job of this server is run; what is due meanwhile waits, in its order, until
    /// `resume`.
    void pause(int server);
    void resume(int server);
    bool is_paused(int server) const { return paused_.contains(server); }

    /// Runs the next job; false when there is none.
    bool step();
    /// Runs until the time is reached or nothing is left to do.
    void run_until(std::int64_t time_us);
    /// When the next job is due; nothing is left if it is negative.
    std::int64_t next_us();

private:
    /// What a job is known by: its number in the order of scheduling, above that of its slot.
    using Ticket = std::uint64_t;
    static constexpr int kSlotBits = 24;  ///< Leaves 40 bits: 10^12 jobs in one run.
    static constexpr Ticket kNoTicket = ~Ticket{0};
    static constexpr std::uint64_t kSlotsMax = std::uint64_t{1} << kSlotBits;
    static constexpr std::uint64_t kJobsMax = std::uint64_t{1} << (64 - kSlotBits);

    struct Slot {
        std::move_only_function<void()> run;
        Ticket ticket = kNoTicket;  ///< None: free.
        int server = 0;
    };
    struct Entry {
        std::int64_t time_us;
        Ticket ticket;
    };

    static std::size_t slot_of(Ticket ticket) { return ticket & (kSlotsMax - 1); }
    /// For a heap whose top is what comes first.
    static bool is_later(const Entry& a, const Entry& b) {
        return a.time_us != b.time_us ? a.time_us > b.time_us : a.ticket > b.ticket;
    }
    bool is_live(const Entry& entry) const {
        return slots_[slot_of(entry.ticket)].ticket == entry.ticket;
    }
    std::move_only_function<void()> vacate(Ticket ticket);
    void cancel(Ticket ticket);
    void drop_cancelled_top();
    bool set_aside(const Entry& next);
    void drop_all_cancelled();

    Trace& trace_;
    std::vector<Entry> heap_;
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_slots_;
    std::map<int, std::vector<Entry>> paused_;  ///< What waits, by server.
    std::size_t cancelled_ = 0;                 ///< Entries of the heap whose jobs are gone.
    std::int64_t now_us_ = 0;
    std::uint64_t jobs_at_once_ = 0;  ///< Since the time moved.
    std::uint64_t next_ = 0;
};

}  // namespace matrix::simulator
