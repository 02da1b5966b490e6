// Turns: the engine's units of work, one commit per turn of the loop, and when they are durable.
//
// Everything that leaves the process waits for `durable()`: nobody is told what a power cut could
// take back. One fsync serves all that happened meanwhile.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "refserver/base/strong.h"
#include "refserver/runtime/completion.h"
#include "refserver/runtime/durability.h"
#include "refserver/runtime/executor.h"
#include "refserver/runtime/log.h"
#include "refserver/storage/database.h"

namespace matrix::storage {

/// The number of everything that a sync can see; see the design, "One stream per server".
using StreamPosition = Strong<struct StreamPositionTag>;

class Turns {
public:
    Turns(Database& database,
          runtime::Executor& executor,
          runtime::Durability& durability,
          runtime::Log& log);
    Turns(const Turns&) = delete;
    Turns& operator=(const Turns&) = delete;

    Database& database() { return database_; }

    /// A unit of work: call before the first write between two waits. All that is written in one
    /// turn becomes visible to others, and durable, together.
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
    runtime::Completion<bool> durable();

    /// Called after each move of the durable position, on the loop.
    void on_durable(std::move_only_function<void()> callback);
    /// Called when a commit failed: whoever holds copies of what was written drops them.
    void on_failed_commit(std::move_only_function<void()> callback);

    /// Counters for benchmarks and inspection.
    std::uint64_t commits() const { return commits_; }

private:
    struct Waiting {
        std::uint64_t id;
        std::uint64_t turn;
        runtime::Completion<bool>::Done done;
    };
    void end_turn();
    void start_sync();
    void finish_sync(std::uint64_t turn, StreamPosition position);
    void release(std::uint64_t up_to_turn, bool is_ok);

    Database& database_;
    runtime::Executor& executor_;
    runtime::Durability& durability_;
    runtime::Log& log_;
    std::uint64_t turn_ = 1;  ///< The current one; numbers of turns that committed something.
    std::uint64_t committed_turn_ = 0;
    std::uint64_t durable_turn_ = 0;
    StreamPosition newest_;
    StreamPosition oldest_;
    StreamPosition committed_position_;
    StreamPosition durable_position_;
    std::vector<Waiting> waiting_;
    std::uint64_t next_waiting_ = 0;
    std::optional<runtime::Pending> sync_;
    std::vector<std::move_only_function<void()>> on_durable_;
    std::vector<std::move_only_function<void()>> on_failed_commit_;
    std::uint64_t commits_ = 0;
};

}  // namespace matrix::storage
