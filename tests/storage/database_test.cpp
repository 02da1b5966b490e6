// Database: values, nesting, transactions, migrations, and disks that fail.
#include "refserver/storage/database.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "simulator/simulated_disk.h"

namespace matrix::storage {
namespace {

using simulator::SimulatedDisk;

constexpr std::array kTestMigrations{
    Migration{.number = 1,
              .name = "first",
              .sql = "CREATE TABLE generation (number INTEGER NOT NULL);"
                     "INSERT INTO generation VALUES (0);"
                     "CREATE TABLE notes (id INTEGER PRIMARY KEY, note)"},
    Migration{.number = 2,
              .name = "second",
              .sql = "ALTER TABLE notes ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';"
                     "CREATE INDEX notes_by_colour ON notes (colour)"},
};

DatabaseOptions options_with(std::size_t migrations) {
    return {.migrations = std::span(kTestMigrations).first(migrations)};
}

std::unique_ptr<Database> open_notes(runtime::Disk& disk, std::string_view name = "notes.db") {
    auto database = Database::open(disk, name, options_with(2));
    if (!database) {
        ADD_FAILURE() << database.error().what;
        return nullptr;
    }
    return std::move(*database);
}

std::int64_t count_notes(Database& database) {
    return *database.find(
        "SELECT count(*) FROM notes", {}, [](const Row& row) { return row.integer(0); });
}

TEST(Database, GivesBackTheValuesThatItWasGiven) {
    SimulatedDisk disk(1);
    const auto database = open_notes(disk, ":memory:");
    const std::string binary("a\0b\xff", 4);
    const std::optional<std::string> nothing;
    database->execute("INSERT INTO notes (id, note) VALUES (?1, ?2)", {1, std::string_view()});
    database->execute("INSERT INTO notes (id, note) VALUES (?1, ?2)", {2, Binding::blob(binary)});
    database->execute("INSERT INTO notes (id, note) VALUES (?1, ?2)", {3, nothing});
    database->execute("INSERT INTO notes (id, note) VALUES (?1, ?2)", {4, INT64_MIN});
    database->execute("INSERT INTO notes (id, note) VALUES (?1, ?2)", {5, true});
    const auto read = [&](int id) {
        return *database->find("SELECT note FROM notes WHERE id = ?1", {id}, [](const Row& row) {
            return row.maybe_text(0);
        });
    };
    EXPECT_EQ(read(1), "");
    EXPECT_EQ(read(2), binary);
    EXPECT_EQ(read(3), std::nullopt);
    EXPECT_EQ(read(4), "-9223372036854775808");
    EXPECT_EQ(read(5), "1");
    EXPECT_FALSE(
        database->find("SELECT 1 FROM notes WHERE id = 6", {}, [](const Row&) { return 1; }));
    EXPECT_EQ(database->changes(), 1);
}

TEST(Database, RunsAStatementInsideItself) {
    SimulatedDisk disk(1);
    const auto database = open_notes(disk, ":memory:");
    for (int id = 1; id <= 3; ++id)
        database->execute("INSERT INTO notes (id) VALUES (?1)", {id});
    std::vector<std::int64_t> pairs;
    const std::string_view all = "SELECT id FROM notes ORDER BY id";
    database->query(all, {}, [&](const Row& outer) {
        database->query(all, {}, [&](const Row& inner) {
            pairs.push_back(outer.integer(0) * 10 + inner.integer(0));
            return inner.integer(0) < 2;
        });
        return true;
    });
    EXPECT_EQ(pairs, (std::vector<std::int64_t>{11, 12, 21, 22, 31, 32}));
}

TEST(Database, ForgetsStatementsBeyondItsLimit) {
    SimulatedDisk disk(1);
    DatabaseOptions options = options_with(2);
    options.statements_max = 3;
    const auto database = Database::open(disk, ":memory:", options);
    ASSERT_TRUE(database.has_value());
    for (int round = 0; round < 2; ++round) {
        for (int number = 0; number < 20; ++number) {
            const std::string sql = "SELECT " + std::to_string(number);
            EXPECT_EQ((*database)->find(sql, {}, [](const Row& row) { return row.integer(0); }),
                      number);
        }
    }
}

TEST(Database, BeginsATransactionWithTheFirstWrite) {
    SimulatedDisk disk(1);
    const auto database = open_notes(disk);
    EXPECT_FALSE(database->is_in_transaction());
    EXPECT_EQ(count_notes(*database), 0);
    EXPECT_FALSE(database->is_in_transaction());
    database->execute("INSERT INTO notes (id) VALUES (1)");
    EXPECT_TRUE(database->is_in_transaction());
    database->roll_back();
    EXPECT_EQ(count_notes(*database), 0);
    database->execute("INSERT INTO notes (id) VALUES (1)");
    EXPECT_TRUE(database->commit().has_value());
    EXPECT_FALSE(database->is_in_transaction());
    EXPECT_EQ(count_notes(*database), 1);
}

TEST(Database, KeepsWhatWasCommittedAndCountsItsOpenings) {
    SimulatedDisk disk(1);
    for (std::int64_t generation = 1; generation <= 3; ++generation) {
        const auto database = open_notes(disk);
        EXPECT_EQ(database->generation(), generation);
        EXPECT_EQ(count_notes(*database), generation - 1);
        database->execute("INSERT INTO notes (id) VALUES (?1)", {generation});
        EXPECT_TRUE(database->commit().has_value());
        database->execute("INSERT INTO notes (id) VALUES (?1)", {generation + 100});
    }
}

TEST(Database, MigratesFromEachVersion) {
    SimulatedDisk disk(1);
    {
        const auto old = Database::open(disk, "notes.db", options_with(1));
        ASSERT_TRUE(old.has_value());
        (*old)->execute("INSERT INTO notes (id) VALUES (1)");
        ASSERT_TRUE((*old)->commit().has_value());
    }
    const auto database = open_notes(disk);
    EXPECT_EQ(database->find("SELECT colour FROM notes WHERE id = 1",
                             {},
                             [](const Row& row) { return row.text(0); }),
              "red");
}

TEST(Database, RefusesTheDatabaseOfANewerProgram) {
    SimulatedDisk disk(1);
    open_notes(disk).reset();
    const auto old = Database::open(disk, "notes.db", options_with(1));
    ASSERT_FALSE(old.has_value());
    EXPECT_EQ(old.error().what,
              "the database has schema version 2, and this program knows only versions up to 1: "
              "it was written by a newer program");
    EXPECT_EQ(open_notes(disk)->generation(), 2);
}

TEST(Database, RefusesAFileThatIsNoDatabase) {
    SimulatedDisk disk(1);
    const std::string text(5000, 'x');
    disk.open("notes.db")->write(0, text);
    const auto database = Database::open(disk, "notes.db", options_with(2));
    ASSERT_FALSE(database.has_value());
    EXPECT_NE(database.error().what.find("not a database"), std::string::npos)
        << database.error().what;
}

TEST(Database, CreatesEveryTableOfTheRealSchema) {
    SimulatedDisk disk(1);
    const auto database = Database::open(disk, "homeserver.db", {});
    ASSERT_TRUE(database.has_value()) << database.error().what;
    EXPECT_EQ(
        (*database)->find("PRAGMA integrity_check", {}, [](const Row& row) { return row.text(0); }),
        "ok");
    EXPECT_EQ(
        (*database)->find("PRAGMA journal_mode", {}, [](const Row& row) { return row.text(0); }),
        "wal");
    EXPECT_EQ(
        (*database)->find("PRAGMA synchronous", {}, [](const Row& row) { return row.integer(0); }),
        1);
}

/// Fills a turn and says whether its commit worked.
bool commit_notes(Database& database, int from, int to) {
    for (int id = from; id < to; ++id) {
        database.execute("INSERT INTO notes (id, note) VALUES (?1, ?2)",
                         {id, std::string(3000, 'n')});
    }
    return database.commit().has_value();
}

TEST(Database, GoesOnAfterAFullDisk) {
    SimulatedDisk disk(1);
    const auto database = open_notes(disk);
    ASSERT_TRUE(commit_notes(*database, 0, 5));
    disk.limit_bytes(disk.bytes() + 60'000);
    EXPECT_FALSE(commit_notes(*database, 5, 50));
    EXPECT_FALSE(database->has_failed());
    EXPECT_EQ(count_notes(*database), 5);
    EXPECT_TRUE(commit_notes(*database, 5, 7)) << "what fits is still written";
    disk.limit_bytes(std::nullopt);
    EXPECT_TRUE(commit_notes(*database, 7, 50));
    EXPECT_EQ(count_notes(*database), 50);
}

TEST(Database, GoesOnAfterWritesThatFailed) {
    SimulatedDisk disk(1);
    const auto database = open_notes(disk);
    ASSERT_TRUE(commit_notes(*database, 0, 5));
    disk.fail(SimulatedDisk::Failing::Changes);
    database->execute("INSERT INTO notes (id) VALUES (5)");
    const auto failed = database->commit();
    ASSERT_FALSE(failed.has_value());
    EXPECT_NE(failed.error().what.find("COMMIT"), std::string::npos) << failed.error().what;
    EXPECT_FALSE(database->is_in_transaction());
    disk.fail(SimulatedDisk::Failing::Nothing);
    EXPECT_EQ(count_notes(*database), 5);
    EXPECT_TRUE(commit_notes(*database, 5, 10));
    EXPECT_EQ(count_notes(*database), 10);
}

TEST(Database, RemembersAReadThatFailed) {
    SimulatedDisk disk(1);
    DatabaseOptions options = options_with(2);
    options.cache_kibibytes = 16;
    const auto opened = Database::open(disk, "notes.db", options);
    ASSERT_TRUE(opened.has_value());
    Database& database = **opened;
    ASSERT_TRUE(commit_notes(database, 0, 50));
    disk.fail(SimulatedDisk::Failing::Everything);
    int rows = 0;
    database.query("SELECT note FROM notes", {}, [&](const Row&) { return ++rows > 0; });
    EXPECT_LT(rows, 50);
    EXPECT_TRUE(database.has_failed());
    // Nothing more happens in this turn, and its end says so.
    disk.fail(SimulatedDisk::Failing::Nothing);
    database.execute("DELETE FROM notes");
    EXPECT_FALSE(database.commit().has_value());
    EXPECT_EQ(count_notes(database), 50);
}

TEST(Database, MovesItsLogIntoItsFile) {
    SimulatedDisk disk(1);
    DatabaseOptions options = options_with(2);
    options.checkpoint_pages = 10;
    const auto opened = Database::open(disk, "notes.db", options);
    ASSERT_TRUE(opened.has_value());
    Database& database = **opened;
    ASSERT_TRUE(database.checkpoint().has_value());
    ASSERT_TRUE(commit_notes(database, 0, 2));
    EXPECT_FALSE(database.is_checkpoint_due());
    const std::uint64_t size = disk.open("notes.db")->size();
    ASSERT_TRUE(commit_notes(database, 2, 50));
    EXPECT_TRUE(database.is_checkpoint_due());
    EXPECT_TRUE(database.checkpoint().has_value());
    EXPECT_FALSE(database.is_checkpoint_due());
    EXPECT_GT(disk.open("notes.db")->size(), size);
    EXPECT_FALSE(database.make_checkpoint()) << "one connection owns the files";
}

TEST(DatabaseDeathTest, EndsTheProcessOnABugOfOurs) {
    SimulatedDisk disk(1);
    const auto database = open_notes(disk, ":memory:");
    EXPECT_DEATH(database->execute("INSERT INTO nots (id) VALUES (1)"), "no such table: nots");
    EXPECT_DEATH(database->execute("INSERT INTO notes (id) VALUES (?1)", {}), "bindings");
    database->execute("INSERT INTO notes (id) VALUES (1)");
    EXPECT_DEATH(database->execute("INSERT INTO notes (id) VALUES (1)"), "UNIQUE constraint");
}

/// A folder of the real disk.
class NativeDisk final : public runtime::Disk {
public:
    NativeDisk() {
        std::string pattern = std::filesystem::temp_directory_path() / "storage_tests_XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
    }
    ~NativeDisk() override { std::filesystem::remove_all(folder_); }
    std::optional<std::string> native_folder() const override { return folder_; }
    std::unique_ptr<runtime::DiskFile> open(std::string_view) override { return nullptr; }
    bool exists(std::string_view name) const override {
        return std::filesystem::exists(folder_ + "/" + std::string(name));
    }
    runtime::DiskStatus remove(std::string_view) override { return runtime::DiskStatus::IoError; }

private:
    std::string folder_;
};

TEST(Database, WorksInANativeFolderAndCheckpointsBesideItsTransactions) {
    NativeDisk disk;
    {
        const auto database = open_notes(disk);
        ASSERT_TRUE(commit_notes(*database, 0, 50));
        auto checkpoint = database->make_checkpoint();
        ASSERT_TRUE(checkpoint);
        database->execute("INSERT INTO notes (id) VALUES (50)");
        EXPECT_TRUE(checkpoint().has_value());
        EXPECT_TRUE(database->commit().has_value());
        EXPECT_TRUE(database->checkpoint().has_value());
    }
    EXPECT_TRUE(disk.exists("notes.db-wal")) << "closing is like a kill";
    const auto database = open_notes(disk);
    EXPECT_EQ(count_notes(*database), 51);
    EXPECT_EQ(database->generation(), 2);
}

}  // namespace
}  // namespace matrix::storage
