// What was acknowledged survives 11,200 power cuts; and the test can fail: a disk that lies about
// its syncs does lose some.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "refserver/runtime/task_group.h"
#include "refserver/storage/turns.h"
#include "simulator/simulated_disk.h"
#include "simulator/simulated_durability.h"
#include "tests/storage/fake_world.h"

namespace matrix::storage {
namespace {

using simulator::SimulatedDisk;
using simulator::SimulatedDurability;
using simulator::SimulatedRandom;

constexpr std::string_view kName = "homeserver.db";

DatabaseOptions small_options() {
    // Small, so that checkpoints, spilled pages and restarts of the log happen often; and without
    // the tables that came later, because the more there are to open, the fewer writes come before
    // a cut.
    return {.cache_kibibytes = 32,
            .checkpoint_pages = 24,
            .page_bytes = 1024,
            .migrations = all_migrations().first(1)};
}

/// What clients wrote over all lives of one disk.
struct History {
    struct Write {
        std::uint64_t turn;  ///< Over all lives.
        std::string content;
        bool is_acknowledged = false;
    };
    std::map<std::int64_t, Write> writes;  ///< By position.
    std::int64_t highest_position = 0;
    std::int64_t lowest_position = 0;
    std::uint64_t turns = 0;
};

struct Figures {
    std::uint64_t cuts = 0;
    std::uint64_t cuts_while_opening = 0;
    std::uint64_t kills = 0;
    std::uint64_t writes = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t acknowledged_lost = 0;
    std::uint64_t unacknowledged_kept = 0;
    std::uint64_t broken_turns = 0;   ///< Kept in part, or kept after one that was lost.
    std::uint64_t resurrections = 0;  ///< Databases with writes that had been lost before.
    std::uint64_t positions_reused = 0;
    std::uint64_t corrupt = 0;
    std::uint64_t integrity_checks = 0;
    std::string last_error;
    std::uint64_t operations = 0;
    SimulatedDisk::CutCounts unsynced;
};

/// One process: opens the database, checks what it finds, and writes until the power fails.
class Life {
public:
    Life(SimulatedDisk& disk, SimulatedRandom& random, History& history, Figures& figures)
        : disk_(disk),
          random_(random),
          history_(history),
          figures_(figures),
          clock_(executor_),
          durability_(disk, clock_, random, {}) {}

    /// False: the database does not open though there is power, or is not sound.
    bool open() {
        auto opened = Database::open(disk_, kName, small_options());
        if (!opened) {
            if (disk_.has_power()) figures_.last_error = opened.error().what;
            return !disk_.has_power();
        }
        database_ = std::move(*opened);
        turns_ = std::make_unique<Turns>(*database_, executor_, durability_, log_);
        return true;
    }
    bool is_open() const { return turns_ != nullptr; }
    bool is_broken() const { return disk_.has_power() && turns_->failed_commits() > 0; }

    bool check() {
        check_writes();
        if (random_.one_in(20) && !check_integrity()) return false;
        return !database_->has_failed() || !disk_.has_power();
    }

    enum class End { PowerCut, Kill };
    void run(std::uint64_t operations, End end) {
        const std::uint64_t limit = disk_.operations() + operations;
        if (end == End::PowerCut) disk_.cut_power_at(limit);
        for (int client = 0; client < 3; ++client) {
            executor_.post([this] { clients_.start(write_for_ever()); });
        }
        while (disk_.has_power() && (end == End::PowerCut || disk_.operations() < limit)) {
            // A database that a lying disk has broken refuses to write, for ever.
            if (turns_->failed_commits() > 0) break;
            ++history_.turns;
            if (executor_.has_jobs()) {
                executor_.run_turn();
            } else {
                ASSERT_TRUE(clock_.advance());
            }
        }
    }

private:
    void check_writes() {
        std::map<std::int64_t, std::string> found;
        database_->query("SELECT position, content FROM account_data ORDER BY position",
                         {},
                         [&](const Row& row) {
                             found.emplace(row.integer(0), row.text(1));
                             return true;
                         });
        if (database_->has_failed()) return;
        std::optional<std::uint64_t> lost_turn;
        for (auto place = history_.writes.begin(); place != history_.writes.end();) {
            const auto& [position, write] = *place;
            const auto stored = found.find(position);
            const bool is_kept = stored != found.end() && stored->second == write.content;
            if (!is_kept) {
                if (write.is_acknowledged) ++figures_.acknowledged_lost;
                lost_turn = write.turn;
                place = history_.writes.erase(place);
                continue;
            }
            if (lost_turn) ++figures_.broken_turns;
            if (!write.is_acknowledged) ++figures_.unacknowledged_kept;
            // It was read: nobody may lose it any more.
            place->second.is_acknowledged = true;
            ++place;
        }
        if (found.size() > history_.writes.size()) ++figures_.resurrections;
    }

    bool check_integrity() {
        ++figures_.integrity_checks;
        const auto verdict = database_->find(
            "PRAGMA integrity_check", {}, [](const Row& row) { return row.text(0); });
        return verdict == "ok" || !disk_.has_power();
    }

    runtime::Task<void> write_for_ever() {
        while (true) {
            const std::vector<std::int64_t> positions = write_unit();
            const bool is_durable = co_await turns_->durable();
            for (const std::int64_t position : positions) {
                if (!is_durable) break;
                History::Write& write = history_.writes.at(position);
                EXPECT_GE(turns_->durable_position().value, position);
                write.is_acknowledged = true;
                ++figures_.acknowledged;
            }
            const auto pause = static_cast<std::int64_t>(random_.below(6));
            co_await clock_.sleep(runtime::milliseconds(pause));
        }
    }

    std::vector<std::int64_t> write_unit() {
        std::vector<std::int64_t> positions;
        const std::uint64_t count = 1 + random_.below(4);
        turns_->begin_unit();
        while (positions.size() < count) {
            const std::int64_t position = turns_->next_position().value;
            const std::int64_t negative = turns_->next_backfill_position().value;
            if (position <= history_.highest_position || negative >= history_.lowest_position) {
                ++figures_.positions_reused;
            }
            history_.highest_position = std::max(history_.highest_position, position);
            history_.lowest_position = std::min(history_.lowest_position, negative);
            const std::uint64_t length = random_.one_in(10) ? 4000 : random_.below(300);
            History::Write write{history_.turns, random_.text(length, "0123456789"), false};
            database_->execute(
                "INSERT INTO account_data (user_id, room_id, type, content, position) "
                "VALUES (?1, ?2, ?3, ?4, ?5)",
                {"@alice:example.org",
                 "",
                 random_.text(8, runtime::kLetters),
                 write.content,
                 position});
            history_.writes.emplace(position, std::move(write));
            positions.push_back(position);
            ++figures_.writes;
        }
        return positions;
    }

    SimulatedDisk& disk_;
    SimulatedRandom& random_;
    History& history_;
    Figures& figures_;
    FakeExecutor executor_;
    FakeClock clock_;
    FakeLog log_;
    SimulatedDurability durability_;
    std::unique_ptr<Database> database_;
    std::unique_ptr<Turns> turns_;
    runtime::TaskGroup clients_;  // Last: they end first.
};

/// Lives on one disk, one after the other, until `lives` or corruption.
void run_disk(const SimulatedDisk& image, std::uint64_t seed, bool loses_syncs, Figures& figures) {
    constexpr int kLives = 20;
    seed_sqlite_randomness(static_cast<std::uint32_t>(seed));
    SimulatedRandom random(seed);
    SimulatedDisk disk(image, random.bits());
    disk.lose_syncs(loses_syncs);
    History history;
    for (int cuts = 0; cuts < kLives;) {
        Life life(disk, random, history, figures);
        const bool is_cut_early = random.one_in(4);
        if (is_cut_early) disk.cut_power_at(disk.operations() + random.below(12));
        if (!life.open() || (life.is_open() && !life.check())) {
            ++figures.corrupt;
            break;
        }
        if (!life.is_open()) ++figures.cuts_while_opening;
        if (disk.has_power() && random.one_in(4)) {
            // The disk goes on: the next process reads what was never synced.
            life.run(random.below(50), Life::End::Kill);
            if (disk.has_power() && !life.is_broken()) {
                ++figures.kills;
                continue;
            }
        }
        if (disk.has_power()) life.run(random.below(150), Life::End::PowerCut);
        if (disk.has_power()) {
            ++figures.corrupt;
            break;
        }
        ++cuts;
        ++figures.cuts;
        disk.restore_power();
    }
    figures.operations += disk.operations();
    figures.unsynced.kept += disk.cut_counts().kept;
    figures.unsynced.torn += disk.cut_counts().torn;
    figures.unsynced.lost += disk.cut_counts().lost;
}

Figures run_disks(int disks, bool loses_syncs) {
    SimulatedDisk image(0);
    {
        const auto database = Database::open(image, kName, small_options());
        EXPECT_TRUE(database.has_value());
        EXPECT_TRUE((*database)->checkpoint().has_value());
    }
    Figures figures;
    for (int disk = 0; disk < disks; ++disk) {
        run_disk(image, static_cast<std::uint64_t>(disk) + 1, loses_syncs, figures);
        if (::testing::Test::HasFatalFailure()) break;
    }
    std::printf(
        "%s syncs: %lu power cuts (%lu while opening) and %lu kills over %lu operations; unsynced "
        "operations: "
        "%lu kept, %lu torn, %lu lost\n"
        "  writes: %lu, acknowledged %lu, of these lost %lu; kept without acknowledgement %lu\n"
        "  broken turns %lu, resurrections %lu, positions reused %lu, corrupt %lu %s, integrity "
        "checks %lu\n",
        loses_syncs ? "lost" : "honest",
        figures.cuts,
        figures.cuts_while_opening,
        figures.kills,
        figures.operations,
        figures.unsynced.kept,
        figures.unsynced.torn,
        figures.unsynced.lost,
        figures.writes,
        figures.acknowledged,
        figures.acknowledged_lost,
        figures.unacknowledged_kept,
        figures.broken_turns,
        figures.resurrections,
        figures.positions_reused,
        figures.corrupt,
        figures.last_error.c_str(),
        figures.integrity_checks);
    return figures;
}

TEST(PowerCut, LosesNothingThatWasAcknowledged) {
    const Figures figures = run_disks(560, false);
    EXPECT_EQ(figures.cuts, 11'200U);
    EXPECT_EQ(figures.acknowledged_lost, 0U);
    EXPECT_EQ(figures.broken_turns, 0U);
    EXPECT_EQ(figures.resurrections, 0U);
    EXPECT_EQ(figures.positions_reused, 0U);
    EXPECT_EQ(figures.corrupt, 0U);
    // The test has seen what it is about.
    EXPECT_GT(figures.acknowledged, 30'000U);
    EXPECT_GT(figures.unacknowledged_kept, 1'000U);
    EXPECT_GT(figures.cuts_while_opening, 100U);
    EXPECT_GT(figures.kills, 1'000U);
    EXPECT_GT(figures.unsynced.torn, 1'000U);
}

TEST(PowerCut, LosesAcknowledgedWritesOnADiskThatLies) {
    const Figures figures = run_disks(50, true);
    EXPECT_GT(figures.acknowledged_lost, 100U);
}

}  // namespace
}  // namespace matrix::storage
