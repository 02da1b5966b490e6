#include "refserver/storage/turns.h"

#include <utility>

#include "refserver/base/assert.h"
#include "refserver/base/sometimes.h"
#include "refserver/runtime/fault_point.h"

namespace matrix::storage {

// Positions start behind all that any earlier process can have given out, committed or not: the
// database's generation is durable before the first one is taken.
Turns::Turns(Database& database,
             runtime::Executor& executor,
             runtime::Durability& durability,
             runtime::Log& log)
    : database_(database),
      executor_(executor),
      durability_(durability),
      log_(log),
      newest_{(database.generation() - 1) * kPositionsPerGeneration},
      oldest_{-newest_.value},
      committed_position_(newest_),
      durable_position_(newest_),
      self_(std::make_shared<Turns*>(this)) {
    executor_.on_turn_end([weak = std::weak_ptr<Turns*>(self_)] {
        if (const auto self = weak.lock()) (*self)->end_turn();
    });
}

void Turns::begin_unit() {
    if (!database_.is_in_transaction()) database_.begin();
}

StreamPosition Turns::next_position() {
    begin_unit();
    MATRIX_ASSERT(newest_.value < database_.generation() * kPositionsPerGeneration);
    ++newest_.value;
    return newest_;
}

StreamPosition Turns::next_backfill_position() {
    begin_unit();
    MATRIX_ASSERT(oldest_.value > -database_.generation() * kPositionsPerGeneration);
    --oldest_.value;
    return oldest_;
}

runtime::Completion<bool> Turns::durable() {
    return runtime::Completion<bool>([this](runtime::Completion<bool>::Done done) {
        // A read that failed spoils its turn like a write: its answer must not be believed.
        const bool is_in_turn = database_.is_in_transaction() || database_.has_failed();
        const std::uint64_t turn = is_in_turn ? turn_ : committed_turn_;
        if (turn <= durable_turn_) {
            done(true);
            return runtime::Pending();
        }
        const std::uint64_t id = next_waiting_++;
        waiting_.emplace(id, Waiting{turn, std::move(done), std::nullopt});
        return runtime::Pending([this, id] { waiting_.erase(id); });
    });
}

void Turns::on_durable(std::move_only_function<void()> callback) {
    on_durable_.push_back(std::move(callback));
}

void Turns::on_failed_commit(std::move_only_function<void()> callback) {
    on_failed_commit_.push_back(std::move(callback));
}

void Turns::end_turn() {
    if (!database_.is_in_transaction() && !database_.has_failed()) return;
    const auto committed = database_.commit();
    const std::uint64_t turn = turn_++;
    if (!committed) {
        fail_turn(committed.error());
        return;
    }
    ++commits_;
    committed_turn_ = turn;
    committed_position_ = newest_;
    start_sync();
    start_checkpoint();
}

void Turns::fail_turn(const StorageError& error) {
    ++failed_commits_;
    disk_full_commits_ += error.is_disk_full ? 1 : 0;
    SIM_SOMETIMES(error.is_disk_full, "a disk is full");
    SIM_SOMETIMES("a commit fails");
    was_disk_full_ = error.is_disk_full;
    log_.error("storage", "a commit failed, its requests are answered with errors: " + error.what);
    for (auto& callback : on_failed_commit_)
        callback();
    settle(turn_ - 1, turn_ - 1, false);
    post(&Turns::release_waiting);
}

/// One sync at a time: the next one serves all turns that were committed meanwhile.
void Turns::start_sync() {
    SIM_SOMETIMES(is_syncing_, "one sync of the disk serves several commits");
    if (is_syncing_ || committed_turn_ == durable_turn_) return;
    const auto finish = [this, turn = committed_turn_, position = committed_position_] {
        finish_sync(turn, position);
    };
    if (database_.is_in_memory()) return finish();
    is_syncing_ = true;
    sync_.reset();  // The last one is over: its end must not touch this one.
    sync_ = durability_.sync(finish);
}

void Turns::finish_sync(std::uint64_t turn, StreamPosition position) {
    is_syncing_ = false;
    durable_turn_ = turn;
    durable_position_ = position;
    settle(0, turn, true);
    // Posted, because this may be the end of a turn, where nothing may be written.
    post(&Turns::release_waiting);
    post(&Turns::tell_durable);
    post(&Turns::start_sync);
}

void Turns::settle(std::uint64_t turn_from, std::uint64_t turn_to, bool is_ok) {
    for (auto& [id, waiting] : waiting_) {
        if (waiting.turn > turn_to) return;
        if (waiting.turn >= turn_from && !waiting.outcome) waiting.outcome = is_ok;
    }
}

void Turns::post(void (Turns::*step)()) {
    executor_.post([weak = std::weak_ptr<Turns*>(self_), step] {
        if (const auto self = weak.lock()) ((*self)->*step)();
    });
}

void Turns::release_waiting() {
    // Whoever goes on may wait again, or end others that wait: each one is looked up anew.
    const std::uint64_t end = next_waiting_;
    for (auto place = waiting_.begin(); place != waiting_.end() && place->first < end;) {
        if (!place->second.outcome) {
            ++place;
            continue;
        }
        const std::uint64_t id = place->first;
        const bool is_ok = *place->second.outcome;
        auto done = std::move(place->second.done);
        waiting_.erase(place);
        done(is_ok);
        place = waiting_.lower_bound(id);
    }
}

void Turns::tell_durable() {
    for (auto& callback : on_durable_)
        callback();
}

void Turns::start_checkpoint() {
    if (is_checkpointing_) return;
    if (!database_.is_checkpoint_due() && !SIM_FAULT_POINT("the log is moved early")) return;
    auto job = workers_ == nullptr || database_.is_checkpoint_overdue()
                   ? nullptr
                   : database_.make_checkpoint();
    if (!job) return finish_checkpoint(database_.checkpoint());
    SIM_SOMETIMES("a worker moves the log into the database");
    is_checkpointing_ = true;
    auto result = std::make_shared<std::expected<void, StorageError>>();
    checkpoint_ = workers_->start(
        runtime::Lane::Checkpoints,
        [job = std::move(job), result]() mutable { *result = job(); },
        [this, result] { finish_checkpoint(*result); });
}

void Turns::finish_checkpoint(const std::expected<void, StorageError>& result) {
    is_checkpointing_ = false;
    // Nothing is lost: the log keeps what could not be moved, and the next checkpoint tries again.
    SIM_SOMETIMES(!result, "a checkpoint fails");
    if (result) return;
    ++failed_checkpoints_;
    log_.error("storage", result.error().what);
}

}  // namespace matrix::storage
