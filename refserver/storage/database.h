// Database: one SQLite connection, prepared statements, savepoints and numbered migrations.
//
// The only place that knows SQLite; aggregates (events, accounts, ...) are written over this.
// A statement that fails for a reason of ours (bad SQL, a broken constraint) is a bug and ends the
// process; a disk that fails is an error that the turn's commit reports.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "refserver/base/index_map.h"
#include "refserver/runtime/disk.h"

struct sqlite3;
struct sqlite3_stmt;

namespace matrix::storage {

/// Why the disk would not do what it was asked.
struct StorageError {
    std::string what;
};

/// A value to be bound, or NULL.
class Binding {
public:
    Binding(std::nullptr_t) {}
    Binding(std::int64_t integer) : kind_(Kind::Integer), integer_(integer) {}
    Binding(int integer) : kind_(Kind::Integer), integer_(integer) {}
    Binding(bool boolean) : kind_(Kind::Integer), integer_(boolean ? 1 : 0) {}
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
    int checkpoint_pages = 1000;
    int page_bytes = 4096;
    bool is_in_memory = false;  ///< Nothing is written anywhere; the disk is not used.
};

class Database {
public:
    /// Opens or creates `name` on `disk`, and migrates it to the newest schema.
    static std::expected<std::unique_ptr<Database>, StorageError> open(runtime::Disk& disk,
                                                                       std::string_view name,
                                                                       DatabaseOptions options);
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();

    using Bindings = std::initializer_list<Binding>;

    /// Runs one statement without a result. `db.execute("INSERT INTO t VALUES (?1, ?2)", {a, b});`
    void execute(std::string_view sql, Bindings bindings = {});
    /// Calls `visit` for each row; return false to stop.
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
    bool is_in_transaction() const;
    void begin();
    /// An error means that nothing since `begin` has happened.
    std::expected<void, StorageError> commit();
    void roll_back();

    /// Has a call failed on the disk since the transaction began? Then `commit` will fail.
    bool has_failed() const { return failure_.has_value(); }

    /// The connection, for storage's own files.
    sqlite3* connection() { return connection_; }

private:
    struct Prepared;
    Database() = default;
    sqlite3_stmt* prepare(std::string_view sql);
    void note_failure(int code, std::string_view sql);

    sqlite3* connection_ = nullptr;
    IndexMap<sqlite3_stmt*> statements_;
    std::optional<StorageError> failure_;
    std::string vfs_name_;
    std::shared_ptr<void> vfs_;
};

}  // namespace matrix::storage
