// Turns: one commit per turn, one sync for many, and nobody is told too early.
#include "refserver/storage/turns.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "refserver/runtime/task_group.h"
#include "simulator/simulated_disk.h"
#include "tests/storage/fake_world.h"

namespace matrix::storage {
namespace {

using simulator::SimulatedDisk;

/// Syncs when the test says so.
class HeldDurability final : public runtime::Durability {
public:
    runtime::Pending sync(std::move_only_function<void()> done) override {
        ++syncs;
        done_ = std::move(done);
        return runtime::Pending([this] { done_ = nullptr; });
    }
    bool is_syncing() const { return done_ != nullptr; }
    void finish() { std::exchange(done_, nullptr)(); }
    int syncs = 0;

private:
    std::move_only_function<void()> done_;
};

class TurnsTest : public ::testing::Test {
protected:
    TurnsTest() { open("homeserver.db"); }

    void open(std::string_view name) {
        turns.reset();
        database.reset();
        auto opened = Database::open(disk, name, {});
        EXPECT_TRUE(opened.has_value());
        database = std::move(*opened);
        turns = std::make_unique<Turns>(*database, executor, durability, log);
    }
    /// One unit of work in the next turn, noted when its outcome is known.
    void write(std::string name) {
        executor.post([this, name = std::move(name)] { group.start(write_and_note(name)); });
    }
    runtime::Task<void> write_and_note(std::string name) {
        turns->next_position();
        database->execute("INSERT INTO published_rooms VALUES (?1)", {name});
        const bool is_durable = co_await turns->durable();
        notes.push_back(name + (is_durable ? " ok" : " failed"));
    }
    runtime::Task<void> note_durable(std::string name) {
        const bool is_durable = co_await turns->durable();
        notes.push_back(name + (is_durable ? " ok" : " failed"));
    }
    void run_all() {
        while (executor.has_jobs())
            executor.run_turn();
    }
    std::vector<std::string> take_notes() { return std::exchange(notes, {}); }
    using Notes = std::vector<std::string>;

    SimulatedDisk disk{1};
    FakeExecutor executor;
    HeldDurability durability;
    FakeLog log;
    std::unique_ptr<Database> database;
    std::unique_ptr<Turns> turns;
    std::vector<std::string> notes;
    runtime::TaskGroup group;
};

TEST_F(TurnsTest, SaysAtOnceThatNothingIsOutstanding) {
    group.start(note_durable("idle"));
    EXPECT_EQ(take_notes(), Notes{"idle ok"});
    executor.run_turn();
    EXPECT_EQ(turns->commits(), 0U);
    EXPECT_EQ(durability.syncs, 0);
}

TEST_F(TurnsTest, CommitsOnceForAllUnitsOfATurnAndWaitsForTheSync) {
    write("a");
    write("b");
    run_all();
    EXPECT_EQ(turns->commits(), 1U);
    EXPECT_EQ(durability.syncs, 1);
    EXPECT_EQ(take_notes(), Notes{});
    EXPECT_LT(turns->durable_position(), turns->newest());
    durability.finish();
    EXPECT_EQ(turns->durable_position(), turns->newest());
    run_all();
    EXPECT_EQ(take_notes(), (Notes{"a ok", "b ok"}));
}

TEST_F(TurnsTest, SyncsOnceForAllTurnsThatCameMeanwhile) {
    write("a");
    run_all();
    const StreamPosition first = turns->newest();
    write("b");
    run_all();
    write("c");
    run_all();
    group.start(note_durable("reader"));
    EXPECT_EQ(durability.syncs, 1);
    durability.finish();
    run_all();
    EXPECT_EQ(turns->durable_position(), first);
    EXPECT_EQ(take_notes(), Notes{"a ok"});
    EXPECT_EQ(durability.syncs, 2);
    durability.finish();
    run_all();
    EXPECT_EQ(take_notes(), (Notes{"b ok", "c ok", "reader ok"}));
    EXPECT_FALSE(durability.is_syncing());
}

TEST_F(TurnsTest, TellsOfEachMoveOfTheDurablePosition) {
    std::vector<StreamPosition> moves;
    turns->on_durable([&] { moves.push_back(turns->durable_position()); });
    write("a");
    run_all();
    durability.finish();
    run_all();
    EXPECT_EQ(moves, std::vector<StreamPosition>{turns->newest()});
}

TEST_F(TurnsTest, FailsExactlyTheTurnWhoseCommitFailed) {
    int failures = 0;
    turns->on_failed_commit([&] { ++failures; });
    write("before");
    run_all();
    const StreamPosition before = turns->newest();
    disk.fail(SimulatedDisk::Failing::Changes);
    write("failing");
    write("failing too");
    executor.run_turn();
    EXPECT_EQ(failures, 1);
    EXPECT_EQ(log.messages.size(), 1U);
    const StreamPosition failed = turns->newest();
    disk.fail(SimulatedDisk::Failing::Nothing);
    run_all();
    EXPECT_EQ(take_notes(), (Notes{"failing failed", "failing too failed"}));
    EXPECT_EQ(turns->failed_commits(), 1U);

    write("after");
    run_all();
    EXPECT_GT(turns->newest(), failed) << "positions of a failed turn are not used again";
    durability.finish();
    run_all();
    EXPECT_EQ(turns->durable_position(), before);
    durability.finish();
    run_all();
    EXPECT_EQ(take_notes(), (Notes{"before ok", "after ok"}));
    std::vector<std::string> rooms;
    database->query("SELECT room_id FROM published_rooms ORDER BY 1", {}, [&](const Row& row) {
        rooms.push_back(row.text(0));
        return true;
    });
    EXPECT_EQ(rooms, (std::vector<std::string>{"after", "before"}));
}

TEST_F(TurnsTest, DoesNotBelieveATurnThatCouldNotRead) {
    open("homeserver.db");  // Now its cache is cold, and the disk is asked.
    executor.post([this] {
        disk.fail(SimulatedDisk::Failing::Everything);
        database->query("SELECT count(*) FROM server_keys", {}, [](const Row&) { return true; });
        ASSERT_TRUE(database->has_failed());
        group.start(note_durable("reader"));
        disk.fail(SimulatedDisk::Failing::Nothing);
    });
    run_all();
    EXPECT_EQ(take_notes(), Notes{"reader failed"});
    EXPECT_FALSE(database->has_failed());
}

TEST_F(TurnsTest, ForgetsWaitersThatWereDestroyed) {
    {
        runtime::TaskGroup short_lived;
        executor.post([&] { short_lived.start(write_and_note("destroyed")); });
        executor.run_turn();
    }
    write("kept");
    run_all();
    durability.finish();
    run_all();
    durability.finish();
    run_all();
    EXPECT_EQ(take_notes(), Notes{"kept ok"});
}

TEST_F(TurnsTest, MayEndWhileItsJobsAreQueued) {
    {
        runtime::TaskGroup handlers;
        executor.post([&] { handlers.start(write_and_note("a")); });
        run_all();
        durability.finish();
    }
    EXPECT_TRUE(executor.has_jobs());
    turns.reset();
    run_all();
    EXPECT_EQ(take_notes(), Notes{});
}

TEST_F(TurnsTest, NeverGivesAPositionTwice) {
    executor.post([this] { turns->next_position(); });
    run_all();
    const StreamPosition given = turns->newest();
    executor.post([this] {
        turns->next_position();
        turns->next_backfill_position();
        // A crash: this turn never ends.
        const StreamPosition lost = turns->newest();
        open("homeserver.db");
        EXPECT_GE(turns->durable_position(), lost);
        EXPECT_GT(turns->next_position(), lost);
        EXPECT_LT(turns->next_backfill_position().value, -lost.value);
    });
    executor.run_turn();
    EXPECT_GT(turns->newest(), given);
}

TEST_F(TurnsTest, NeedsNoSyncInMemory) {
    open(":memory:");
    write("a");
    run_all();
    EXPECT_EQ(take_notes(), Notes{"a ok"});
    EXPECT_EQ(durability.syncs, 0);
    EXPECT_EQ(turns->newest(), StreamPosition{1});
}

/// Runs each job when the test says so.
class HeldWorkers final : public runtime::Workers {
public:
    runtime::Pending start(runtime::Lane lane,
                           std::move_only_function<void()> job,
                           std::move_only_function<void()> done) override {
        EXPECT_EQ(lane, runtime::Lane::Checkpoints);
        EXPECT_FALSE(job_) << "one checkpoint at a time";
        job_ = std::move(job);
        done_ = std::move(done);
        return runtime::Pending();
    }
    bool is_working() const { return job_ != nullptr; }
    void finish() {
        std::exchange(job_, nullptr)();
        std::exchange(done_, nullptr)();
    }

private:
    std::move_only_function<void()> job_;
    std::move_only_function<void()> done_;
};

/// A folder of the real disk, by which alone checkpoints have a connection of their own.
struct NativeFolder final : runtime::Disk {
    std::string folder = std::filesystem::temp_directory_path() / "turns_test_XXXXXX";
    NativeFolder() { MATRIX_ASSERT(::mkdtemp(folder.data()) != nullptr); }
    ~NativeFolder() override { std::filesystem::remove_all(folder); }
    std::optional<std::string> native_folder() const override { return folder; }
    std::unique_ptr<runtime::DiskFile> open(std::string_view) override { return nullptr; }
    bool exists(std::string_view) const override { return false; }
    runtime::DiskStatus remove(std::string_view) override { return runtime::DiskStatus::IoError; }
};

TEST_F(TurnsTest, CheckpointsOnWorkersAndByItselfWhenTheyAreTooSlow) {
    NativeFolder native;
    turns.reset();
    auto opened = Database::open(native, "homeserver.db", {.checkpoint_pages = 20});
    ASSERT_TRUE(opened.has_value());
    database = std::move(*opened);
    turns = std::make_unique<Turns>(*database, executor, durability, log);
    HeldWorkers workers;
    turns->checkpoint_on(workers);
    const auto log_bytes = [&] {
        return std::filesystem::file_size(native.folder + "/homeserver.db-wal");
    };
    std::uintmax_t largest = 0;
    for (int number = 0; number < 2000; ++number) {
        executor.post(
            [&] { database->execute("INSERT INTO published_rooms VALUES (?1)", {number}); });
        executor.run_turn();
        // Each checkpoint ends after a later commit, so none ever empties the log.
        if (workers.is_working() && number % 7 == 0) workers.finish();
        largest = std::max(largest, log_bytes());
    }
    EXPECT_GT(largest, 20U * 4096);
    EXPECT_LT(largest, 16U * 20 * 4096 * 2) << "an overdue checkpoint empties it";
    EXPECT_TRUE(log.messages.empty());
    turns.reset();
    database.reset();
}

}  // namespace
}  // namespace matrix::storage
