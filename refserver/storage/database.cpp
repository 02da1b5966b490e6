#include "refserver/storage/database.h"

#include <string>
#include <utility>

#include <sqlite3.h>

#include "refserver/base/assert.h"
#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"

namespace matrix::storage {

std::int64_t Row::integer(int column) const {
    return sqlite3_column_int64(statement_, column);
}

std::string Row::text(int column) const {
    return std::string(view(column));
}

std::string_view Row::view(int column) const {
    // In this order: the first call may convert, and with that change the length.
    const void* bytes = sqlite3_column_blob(statement_, column);
    const int size = sqlite3_column_bytes(statement_, column);
    return {static_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

bool Row::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::optional<std::int64_t> Row::maybe_integer(int column) const {
    if (is_null(column)) return std::nullopt;
    return integer(column);
}

std::optional<std::string> Row::maybe_text(int column) const {
    if (is_null(column)) return std::nullopt;
    return text(column);
}

namespace {

/// Is it the outside world that failed, and not our SQL?
bool is_disk_failure(int code) {
    switch (code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_CANTOPEN:
        case SQLITE_CORRUPT:
        case SQLITE_FULL:
        case SQLITE_IOERR:
        case SQLITE_NOMEM:
        case SQLITE_NOTADB:
        case SQLITE_PERM:
        case SQLITE_PROTOCOL:
        case SQLITE_READONLY:
            return true;
        default:
            return false;
    }
}

StorageError make_error(sqlite3* connection, int code, std::string_view doing) {
    std::string what(doing);
    what += ": ";
    what += connection == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(connection);
    what += " (SQLite " + std::to_string(code) + ")";
    return {std::move(what), (code & 0xff) == SQLITE_FULL};
}

}  // namespace

std::expected<std::unique_ptr<Database>, StorageError> Database::open(runtime::Disk& disk,
                                                                      std::string_view name,
                                                                      DatabaseOptions options) {
    std::unique_ptr<Database> database(new Database());
    RETURN_IF_ERROR(database->connect(disk, name, options));
    RETURN_IF_ERROR(database->migrate(options.migrations));
    RETURN_IF_ERROR(database->begin_generation());
    return database;
}

std::expected<std::unique_ptr<Database>, StorageError> Database::open_to_read(std::string path) {
    std::unique_ptr<Database> database(new Database());
    database->statements_max_ = DatabaseOptions().statements_max;
    database->native_path_ = path;
    const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const int code = sqlite3_open_v2(path.c_str(), &database->connection_, flags, nullptr);
    if (code != SQLITE_OK) {
        return std::unexpected(make_error(database->connection_, code, "open " + path));
    }
    // One transaction: a server that writes meanwhile is not seen.
    RETURN_IF_ERROR(database->run("PRAGMA cache_size=-65536; BEGIN"));
    ASSIGN_OR_RETURN(const std::int64_t version, database->read_integer("PRAGMA user_version"));
    const int newest = all_migrations().back().number;
    if (version != newest) {
        return std::unexpected(
            StorageError{path + " has schema version " + std::to_string(version) +
                         ", and this program reads version " + std::to_string(newest) +
                         ": a server of this program must have opened it"});
    }
    ASSIGN_OR_RETURN(database->generation_,
                     database->read_integer("SELECT number FROM generation"));
    return database;
}

std::expected<void, StorageError> Database::connect(runtime::Disk& disk,
                                                    std::string_view name,
                                                    const DatabaseOptions& options) {
    is_in_memory_ = options.is_in_memory || name == ":memory:";
    checkpoint_pages_ = options.checkpoint_pages;
    statements_max_ = options.statements_max;
    std::string path(is_in_memory_ ? ":memory:" : name);
    if (!is_in_memory_) {
        if (const auto folder = disk.native_folder()) {
            path = native_path_ = *folder + "/" + path;
        } else {
            vfs_ = std::make_unique<Vfs>(disk);
        }
    }
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const int code = sqlite3_open_v2(
        path.c_str(), &connection_, flags, vfs_ == nullptr ? nullptr : vfs_->name().c_str());
    if (code != SQLITE_OK) return std::unexpected(make_error(connection_, code, "open " + path));

    // Closing writes nothing: the end of a server leaves its files as a kill would.
    sqlite3_db_config(connection_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_busy_timeout(connection_, native_path_.empty() ? 0 : 5000);
    // The locking mode first: it must be known when the log is opened.
    std::string settings = vfs_ == nullptr ? "" : "PRAGMA locking_mode=EXCLUSIVE;";
    settings += "PRAGMA page_size=" + std::to_string(options.page_bytes) +
                "; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-" +
                std::to_string(options.cache_kibibytes);
    if (!is_in_memory_) settings += "; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0";
    RETURN_IF_ERROR(run(settings));
    follow_log();
    return {};
}

void Database::follow_log() {
    sqlite3_wal_hook(
        connection_,
        [](void* self, sqlite3*, const char*, int pages) {
            auto& database = *static_cast<Database*>(self);
            const bool is_restarted = pages < database.log_pages_;
            if (is_restarted) database.checkpointed_pages_ = 0;
            database.log_pages_ = pages;
            return SQLITE_OK;
        },
        this);
}

std::expected<void, StorageError> Database::migrate(std::span<const Migration> migrations) {
    ASSIGN_OR_RETURN(const std::int64_t version, read_integer("PRAGMA user_version"));
    const int newest = migrations.empty() ? 0 : migrations.back().number;
    if (version > newest) {
        return std::unexpected(
            StorageError{"the database has schema version " + std::to_string(version) +
                         ", and this program knows only versions up to " + std::to_string(newest) +
                         ": it was written by a newer program"});
    }
    int expected_number = 1;
    for (const Migration& migration : migrations) {
        MATRIX_ASSERT(migration.number == expected_number);
        ++expected_number;
        if (migration.number <= version) continue;
        RETURN_IF_ERROR(run("BEGIN IMMEDIATE; " + std::string(migration.sql) +
                            "; PRAGMA user_version=" + std::to_string(migration.number) +
                            "; COMMIT"));
    }
    return {};
}

/// Also makes durable what an earlier process wrote to the log and did not sync: we read it, and a
/// power cut must not take back what anyone is told of it.
std::expected<void, StorageError> Database::begin_generation() {
    RETURN_IF_ERROR(
        run("PRAGMA synchronous=FULL; BEGIN IMMEDIATE;"
            "UPDATE generation SET number = number + 1; COMMIT; PRAGMA synchronous=NORMAL"));
    ASSIGN_OR_RETURN(generation_, read_integer("SELECT number FROM generation"));
    return {};
}

std::expected<void, StorageError> Database::run(const std::string& sql) {
    const int code = sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr);
    if (code == SQLITE_OK) return {};
    StorageError error = make_error(connection_, code, sql.substr(0, 200));
    if (!is_disk_failure(code)) fail_assertion(error.what.c_str());
    return std::unexpected(std::move(error));
}

std::expected<std::int64_t, StorageError> Database::read_integer(const char* sql) {
    const auto number = find(sql, {}, [](const Row& row) { return row.integer(0); });
    if (failure_) return std::unexpected(*std::exchange(failure_, std::nullopt));
    MATRIX_ASSERT(number.has_value());
    return *number;
}

Database::~Database() {
    for (const Statement& statement : statements_)
        sqlite3_finalize(statement.handle);
    MATRIX_ASSERT(sqlite3_close(connection_) == SQLITE_OK);
}

/// One run of a statement. Where the statement is running already, further up on the stack, this is
/// a copy of it that nobody keeps.
class Database::Use {
public:
    Use(Database& database, std::string_view sql, Bindings bindings) : database_(database) {
        statement_ = database.prepare(sql);
        if (statement_ == database.statements_.end()) return;
        statement_->is_running = true;
        bind(bindings);
    }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() {
        if (statement_ == database_.statements_.end()) return;
        sqlite3_reset(statement_->handle);
        statement_->is_running = false;
        if (!statement_->sql.empty()) return;
        sqlite3_finalize(statement_->handle);
        database_.statements_.erase(statement_);
    }

    bool is_good() const { return statement_ != database_.statements_.end(); }
    sqlite3_stmt* handle() { return statement_->handle; }

    /// False at the end, and when the disk failed.
    bool step() {
        const int code = sqlite3_step(statement_->handle);
        if (code == SQLITE_ROW) return true;
        if (code != SQLITE_DONE) {
            database_.note_failure(code, sqlite3_sql(statement_->handle));
        }
        return false;
    }

private:
    void bind(Bindings bindings) {
        sqlite3_stmt* const handle = statement_->handle;
        MATRIX_ASSERT(sqlite3_bind_parameter_count(handle) == static_cast<int>(bindings.size()));
        int place = 0;
        for (const Binding& binding : bindings) {
            const int code = bind_one(handle, ++place, binding);
            if (code != SQLITE_OK) database_.note_failure(code, sqlite3_sql(handle));
        }
    }
    static int bind_one(sqlite3_stmt* handle, int place, const Binding& binding) {
        // A null pointer would bind NULL, and an empty text is none.
        const char* bytes = binding.bytes_.data() == nullptr ? "" : binding.bytes_.data();
        const auto size = static_cast<sqlite3_uint64>(binding.bytes_.size());
        switch (binding.kind_) {
            case Binding::Kind::Null:
                return sqlite3_bind_null(handle, place);
            case Binding::Kind::Integer:
                return sqlite3_bind_int64(handle, place, binding.integer_);
            case Binding::Kind::Text:
                return sqlite3_bind_text64(handle, place, bytes, size, SQLITE_STATIC, SQLITE_UTF8);
            case Binding::Kind::Blob:
                return sqlite3_bind_blob64(handle, place, bytes, size, SQLITE_STATIC);
        }
        unreachable();
    }

    Database& database_;
    Statements::iterator statement_;
};

void Database::execute(std::string_view sql, Bindings bindings) {
    if (!is_in_transaction_) begin();
    if (failure_) return;
    Use use(*this, sql, bindings);
    if (use.is_good()) use.step();
}

void Database::query(std::string_view sql,
                     Bindings bindings,
                     const std::function<bool(const Row&)>& visit) {
    if (failure_) return;
    Use use(*this, sql, bindings);
    if (!use.is_good()) return;
    while (!failure_ && use.step()) {
        if (!visit(Row(use.handle()))) return;
    }
}

/// The end of the list when the disk failed: the schema may have to be read.
Database::Statements::iterator Database::prepare(std::string_view sql) {
    auto* const known = statement_of_.find(sql);
    if (known != nullptr && !(*known)->is_running) {
        statements_.splice(statements_.begin(), statements_, *known);
        return *known;
    }
    sqlite3_stmt* handle = nullptr;
    const unsigned flags = known == nullptr ? SQLITE_PREPARE_PERSISTENT : 0;
    const int code = sqlite3_prepare_v3(
        connection_, sql.data(), static_cast<int>(sql.size()), flags, &handle, nullptr);
    if (code != SQLITE_OK) {
        note_failure(code, sql);
        return statements_.end();
    }
    MATRIX_ASSERT(handle != nullptr);
    if (known != nullptr) return statements_.insert(statements_.begin(), {"", handle});
    if (statement_of_.size() >= statements_max_) forget_oldest_statement();
    const auto place = statements_.insert(statements_.begin(), {std::string(sql), handle});
    statement_of_.emplace(sql, place);
    return place;
}

void Database::forget_oldest_statement() {
    for (auto place = statements_.end(); place != statements_.begin();) {
        --place;
        if (place->is_running) continue;
        SIM_SOMETIMES("a prepared statement is forgotten");
        statement_of_.erase(place->sql);
        sqlite3_finalize(place->handle);
        statements_.erase(place);
        return;
    }
}

void Database::note_failure(int code, std::string_view sql) {
    StorageError error = make_error(connection_, code, sql);
    if (!is_disk_failure(code)) fail_assertion(error.what.c_str());
    if (!failure_) failure_ = std::move(error);
}

std::int64_t Database::changes() const {
    return sqlite3_changes64(connection_);
}

std::int64_t Database::bytes() {
    const auto read = [this](const char* sql) {
        return find(sql, {}, [](const Row& row) { return row.integer(0); }).value_or(0);
    };
    return (read("PRAGMA page_count") - read("PRAGMA freelist_count")) * read("PRAGMA page_size");
}

void Database::begin() {
    MATRIX_ASSERT(!is_in_transaction_);
    is_in_transaction_ = true;
    if (failure_) return;
    Use use(*this, "BEGIN IMMEDIATE", {});
    if (use.is_good()) use.step();
}

std::expected<void, StorageError> Database::commit() {
    if (!failure_ && is_in_transaction_) {
        Use use(*this, "COMMIT", {});
        if (use.is_good()) use.step();
    }
    if (failure_) {
        StorageError error = *failure_;
        roll_back();
        return std::unexpected(std::move(error));
    }
    is_in_transaction_ = false;
    return {};
}

void Database::roll_back() {
    failure_.reset();
    is_in_transaction_ = false;
    // Some failures have rolled back already.
    if (sqlite3_get_autocommit(connection_) != 0) {
        SIM_SOMETIMES("SQLite rolls a transaction back by itself");
        return;
    }
    Use use(*this, "ROLLBACK", {});
    if (use.is_good()) use.step();
    // What a failed ROLLBACK reports is the failure that it ends.
    failure_.reset();
    MATRIX_ASSERT(sqlite3_get_autocommit(connection_) != 0);
}

namespace {

/// How a checkpoint ended. Busy is no error: another one is at work, or a reader needs the log.
std::expected<void, StorageError> check_checkpoint(sqlite3* connection, int code, bool is_native) {
    if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY) return {};
    StorageError error = make_error(connection, code, "checkpoint");
    if (!is_disk_failure(code)) fail_assertion(error.what.c_str());
    // After a failed fsync the system may have dropped what it could not write, and a second one
    // would succeed over the loss. See `runtime::Durability`.
    if (is_native && code == SQLITE_IOERR_FSYNC) fail_assertion(error.what.c_str());
    return std::unexpected(std::move(error));
}

std::expected<void, StorageError> checkpoint_apart(const std::string& path) {
    sqlite3* connection = nullptr;
    int code = sqlite3_open_v2(path.c_str(),
                               &connection,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                               nullptr);
    if (code == SQLITE_OK) {
        // A connection learns that the database has a log when it first reads.
        code = sqlite3_exec(connection, "PRAGMA user_version", nullptr, nullptr, nullptr);
    }
    if (code == SQLITE_OK) {
        sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
        code = sqlite3_wal_checkpoint_v2(
            connection, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    }
    auto result = check_checkpoint(connection, code, true);
    sqlite3_close(connection);
    return result;
}

}  // namespace

std::expected<void, StorageError> Database::checkpoint() {
    MATRIX_ASSERT(!is_in_transaction_);
    const int code = sqlite3_wal_checkpoint_v2(
        connection_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    checkpointed_pages_ = log_pages_;
    return check_checkpoint(connection_, code, !native_path_.empty());
}

std::move_only_function<std::expected<void, StorageError>()> Database::make_checkpoint() {
    if (native_path_.empty()) return nullptr;
    checkpointed_pages_ = log_pages_;
    return [path = native_path_] { return checkpoint_apart(path); };
}

}  // namespace matrix::storage
