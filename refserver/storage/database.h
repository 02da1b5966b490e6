// Database: one SQLite connection, prepared statements, savepoints and numbered migrations.
//
// The only place that knows SQLite; aggregates (events, accounts, ...) are written over this.
// A statement that fails for a reason of ours (bad SQL, a broken constraint) is a bug and ends the
// process; a disk that fails is an error that the turn's commit reports.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "refserver/base/index_map.h"
#include "refserver/base/strong.h"
#include "refserver/runtime/disk.h"
#include "refserver/storage/schema.h"
#include "refserver/storage/vfs.h"

struct sqlite3;
struct sqlite3_stmt;

namespace matrix::storage {

/// Why the disk would not do what it was asked.
struct StorageError {
    std::string what;
    bool is_disk_full = false;
};

/// A value to be bound, or NULL.
class Binding {
public:
    Binding(std::nullptr_t) {}
    template <std::integral Integer>
    Binding(Integer integer) : kind_(Kind::Integer), integer_(static_cast<std::int64_t>(integer)) {}
    template <class Tag>
    Binding(Strong<Tag> number) : kind_(Kind::Integer), integer_(number.value) {}
    /// Text stays where it is until the statement has run.
    Binding(std::string_view text) : kind_(Kind::Text), bytes_(text) {}
    Binding(const std::string& text) : kind_(Kind::Text), bytes_(text) {}
    Binding(const char* text) : kind_(Kind::Text), bytes_(text) {}
    template <class T>
    Binding(const std::optional<T>& value) {
        if (value) *this = Binding(*value);
    }
    static Binding blob(std::string_view bytes) {
        Binding binding(bytes);
        binding.kind_ = Kind::Blob;
        return binding;
    }

private:
    friend class Database;
    enum class Kind { Null, Integer, Text, Blob };
    Kind kind_ = Kind::Null;
    std::int64_t integer_ = 0;
    std::string_view bytes_;
};

/// One row of a result; valid until the next one.
class Row {
public:
    std::int64_t integer(int column) const;
    std::string text(int column) const;  ///< Also of a blob.
    std::string_view view(int column) const;
    bool is_null(int column) const;
    std::optional<std::int64_t> maybe_integer(int column) const;
    std::optional<std::string> maybe_text(int column) const;

private:
    friend class Database;
    explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
    sqlite3_stmt* statement_;
};

struct DatabaseOptions {
    int cache_kibibytes = 16 * 1024;
    int checkpoint_pages = 1000;  ///< The length of the log at which it is due.
    int page_bytes = 4096;        ///< Of a new database.
    std::size_t statements_max = 500;
    bool is_in_memory = false;  ///< Nothing is written anywhere; the disk is not used.
    std::span<const Migration> migrations = all_migrations();
};

class Database {
public:
    /// Opens or creates `name` on `disk`, and migrates it to the newest schema. What it then holds
    /// is durable. The name ":memory:" is a database in memory.
    static std::expected<std::unique_ptr<Database>, StorageError> open(runtime::Disk& disk,
                                                                       std::string_view name,
                                                                       DatabaseOptions options);
    /// Opens a database that exists, of the newest schema, and changes nothing about it. All that
    /// is read is of one moment. `path` is that of the file.
    static std::expected<std::unique_ptr<Database>, StorageError> open_to_read(std::string path);
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();

    using Bindings = std::initializer_list<Binding>;

    /// Runs one statement without a result, within a transaction that it begins if need be.
    /// `db.execute("INSERT INTO t VALUES (?1, ?2)", {a, b});`
    void execute(std::string_view sql, Bindings bindings = {});
    /// Calls `visit` for each row; return false to stop. `visit` may read and write other rows.
    void query(std::string_view sql,
               Bindings bindings,
               const std::function<bool(const Row&)>& visit);
    /// What `read` makes of the first row; nothing if there is none.
    template <class Read>
    auto find(std::string_view sql, Bindings bindings, Read read)
        -> std::optional<decltype(read(std::declval<const Row&>()))> {
        std::optional<decltype(read(std::declval<const Row&>()))> result;
        query(sql, bindings, [&](const Row& row) {
            result.emplace(read(row));
            return false;
        });
        return result;
    }
    /// How many rows the last statement changed.
    std::int64_t changes() const;

    /// A transaction is open from the first write of a turn to `commit`.
    bool is_in_transaction() const { return is_in_transaction_; }
    void begin();
    /// An error means that nothing since `begin` has happened.
    std::expected<void, StorageError> commit();
    void roll_back();

    /// Has the disk failed a call, also a read, since the last `commit` or `roll_back`? Until then
    /// writes do nothing and queries find nothing, and `commit` will fail.
    bool has_failed() const { return failure_.has_value(); }
    /// Call when what was read cannot be right: as if the disk had failed the call.
    void note_damage(std::string what);

    bool is_in_memory() const { return is_in_memory_; }
    /// Of the file that other connections may open; empty if there is none.
    const std::string& native_path() const { return native_path_; }

    /// What its rows take on disk, by whole pages; what is free within the file left out.
    std::int64_t bytes();

    /// How often this database has been opened, this time included. Durable, so a number that
    /// begins with it was never used before.
    std::int64_t generation() const { return generation_; }

    /// Moving the log into the database file: due when `checkpoint_pages` have been added to it,
    /// pressing when writers that can wait should. The log is used from its beginning again when
    /// all of it was moved before the next turn, so that it grows while turns are faster than
    /// checkpoints: it is overdue when it has not been empty for long, and too long at last. A
    /// short checkpoint is one that moves so little that a turn may wait for it.
    bool is_checkpoint_due() const { return pages_to_move() >= checkpoint_pages_; }
    bool is_checkpoint_short() const { return 2 * pages_to_move() <= checkpoint_pages_; }
    bool is_checkpoint_pressing() const { return log_pages_ >= 4 * checkpoint_pages_; }
    bool is_checkpoint_overdue() const { return log_pages_ >= 16 * checkpoint_pages_; }
    bool is_log_too_long() const { return log_pages_ >= 64 * checkpoint_pages_; }
    /// Checkpoints on this connection, between two transactions.
    std::expected<void, StorageError> checkpoint();
    /// The same on a connection of its own, to be called on any thread, at any time, also after the
    /// end of the database. Empty when the disk allows only this connection.
    std::move_only_function<std::expected<void, StorageError>()> make_checkpoint();

    /// The connection, for storage's own files.
    sqlite3* connection() { return connection_; }

private:
    struct Statement {
        std::string sql;
        sqlite3_stmt* handle = nullptr;
        bool is_running = false;
    };
    /// The most recently used first.
    using Statements = std::list<Statement>;
    class Use;

    Database() = default;
    std::expected<void, StorageError> connect(runtime::Disk& disk,
                                              std::string_view name,
                                              const DatabaseOptions& options);
    void follow_log();
    int pages_to_move() const { return log_pages_ - checkpointed_pages_; }
    std::expected<void, StorageError> migrate(std::span<const Migration> migrations);
    std::expected<void, StorageError> begin_generation();
    std::expected<void, StorageError> run(const std::string& sql);
    std::expected<std::int64_t, StorageError> read_integer(const char* sql);
    Statements::iterator prepare(std::string_view sql);
    void forget_oldest_statement();
    void note_failure(int code, std::string_view sql);

    std::unique_ptr<Vfs> vfs_;
    sqlite3* connection_ = nullptr;
    Statements statements_;
    IndexMap<Statements::iterator> statement_of_;
    std::size_t statements_max_ = 0;
    std::optional<StorageError> failure_;
    std::string native_path_;  ///< Empty when the database is not in a native folder.
    bool is_in_memory_ = false;
    bool is_in_transaction_ = false;
    std::int64_t generation_ = 0;
    int log_pages_ = 0;
    int checkpointed_pages_ = 0;
    int checkpoint_pages_ = 0;
};

}  // namespace matrix::storage
