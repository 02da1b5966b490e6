// Turns: the engine's units of work, one commit per turn of the loop, and when they are durable.
//
// Everything that leaves the process waits for `durable()`: nobody is told what a power cut could
// take back. One fsync serves all that happened meanwhile.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "refserver/base/strong.h"
#include "refserver/runtime/completion.h"
#include "refserver/runtime/durability.h"
#include "refserver/runtime/executor.h"
#include "refserver/runtime/log.h"
#include "refserver/runtime/pending.h"
#include "refserver/runtime/workers.h"
#include "refserver/storage/database.h"

namespace matrix::storage {

/// The number of everything that a sync can see; see the design, "One stream per server".
using StreamPosition = Strong<struct StreamPositionTag>;

class Turns {
public:
    /// A process gives out less than this in years; there are nine million such ranges. Positions
    /// of the nth opening of a database are at most n times this, on both sides of 0.
    static constexpr std::int64_t kPositionsPerGeneration = 1'000'000'000'000;

    Turns(Database& database,
          runtime::Executor& executor,
          runtime::Durability& durability,
          runtime::Log& log);
    Turns(const Turns&) = delete;
    Turns& operator=(const Turns&) = delete;

    /// From now on checkpoints run there, on a connection of their own, where the disk allows it.
    /// Otherwise, and without this call, they run between two turns on the engine's connection: in
    /// the simulator, where one connection owns the files and a checkpoint costs no virtual time.
    void checkpoint_on(runtime::Workers& workers) { workers_ = &workers; }

    /// Is the log so long that whoever has many more turns to write should wait a little, for a
    /// checkpoint that runs?
    bool is_log_long() const { return is_checkpointing_ && database_.is_checkpoint_pressing(); }

    Database& database() { return database_; }

    /// A unit of work: call before the first write between two waits (a write without it does so by
    /// itself). All that is written in one turn is committed, and durable, together.
    void begin_unit();

    /// The next stream position, for what this unit of work makes visible. Never given twice, also
    /// after a crash. Implies `begin_unit`.
    StreamPosition next_position();
    /// A position for backfilled events: negative, going down.
    StreamPosition next_backfill_position();

    /// The newest position given, committed or not.
    StreamPosition newest() const { return newest_; }
    /// All up to here is durable: what a sync may read.
    StreamPosition durable_position() const { return durable_position_; }

    /// `if (!co_await turns.durable()) ...`: waits until all that was written up to now, by anyone,
    /// is committed and durable. False: the commit failed, and nothing of that turn has happened.
    /// Those who wait are destroyed before the turns are.
    runtime::Completion<bool> durable();

    /// Called after each move of the durable position, on the loop, when those who waited for it
    /// have gone on.
    void on_durable(std::move_only_function<void()> callback);
    /// Called when a commit failed, before anything else runs: whoever holds copies of what was
    /// written drops them.
    void on_failed_commit(std::move_only_function<void()> callback);

    /// Counters for benchmarks and inspection.
    std::uint64_t commits() const { return commits_; }
    /// Compare before and after: a unit of work that ended before its last wait may be lost with
    /// its turn, and `durable()` speaks only of what is outstanding when it is called.
    std::uint64_t failed_commits() const { return failed_commits_; }
    /// Of the failed ones, those for which the disk had no room.
    std::uint64_t disk_full_commits() const { return disk_full_commits_; }
    std::uint64_t failed_checkpoints() const { return failed_checkpoints_; }
    /// Had the disk no room for the last commit that failed?
    bool was_disk_full() const { return was_disk_full_; }

private:
    struct Waiting {
        std::uint64_t turn;
        runtime::Completion<bool>::Done done;
        std::optional<bool> outcome;  ///< Known, and the waiter is about to be told.
    };
    void end_turn();
    void fail_turn(const StorageError& error);
    void start_sync();
    void finish_sync(std::uint64_t turn, StreamPosition position);
    void settle(std::uint64_t turn_from, std::uint64_t turn_to, bool is_ok);
    void start_checkpoint();
    void finish_checkpoint(const std::expected<void, StorageError>& result);
    void post(void (Turns::*step)());
    void release_waiting();
    void tell_durable();

    Database& database_;
    runtime::Executor& executor_;
    runtime::Durability& durability_;
    runtime::Log& log_;
    runtime::Workers* workers_ = nullptr;

    std::uint64_t turn_ = 1;  ///< The current one; only turns that wrote are counted.
    std::uint64_t committed_turn_ = 0;
    std::uint64_t durable_turn_ = 0;
    StreamPosition newest_;
    StreamPosition oldest_;
    StreamPosition committed_position_;
    StreamPosition durable_position_;

    std::map<std::uint64_t, Waiting> waiting_;  ///< In the order of asking, and so of turns.
    std::uint64_t next_waiting_ = 0;
    std::vector<std::move_only_function<void()>> on_durable_;
    std::vector<std::move_only_function<void()>> on_failed_commit_;
    std::uint64_t commits_ = 0;
    std::uint64_t failed_commits_ = 0;
    std::uint64_t disk_full_commits_ = 0;
    std::uint64_t failed_checkpoints_ = 0;
    bool was_disk_full_ = false;

    bool is_syncing_ = false;
    bool is_checkpointing_ = false;
    // Last: cancelled first. What is posted to the executor outlives us, and looks whether we live.
    runtime::Pending sync_;
    runtime::Pending checkpoint_;
    std::shared_ptr<Turns*> self_;
};

}  // namespace matrix::storage
