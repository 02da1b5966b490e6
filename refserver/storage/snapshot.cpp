#include "refserver/storage/snapshot.h"

#include <memory>
#include <utility>

#include <sqlite3.h>

#include "refserver/base/assert.h"

namespace matrix::storage {
namespace {

using Connection = std::unique_ptr<sqlite3, decltype(&sqlite3_close)>;

std::expected<Connection, StorageError> open_file(const std::string& path, int flags) {
    sqlite3* opened = nullptr;
    const int code = sqlite3_open_v2(
        path.c_str(), &opened, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
    Connection connection(opened, sqlite3_close);
    if (code != SQLITE_OK) {
        return std::unexpected(StorageError{"cannot open " + path + ": " + sqlite3_errstr(code)});
    }
    return connection;
}

// In one step, which reads one moment of the source.
SnapshotResult copy_pages(sqlite3* from, const std::string& path) {
    auto to = open_file(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    if (!to) return std::unexpected(std::move(to).error());
    sqlite3_exec(to->get(), "PRAGMA synchronous=FULL", nullptr, nullptr, nullptr);
    sqlite3_backup* backup = sqlite3_backup_init(to->get(), "main", from, "main");
    if (backup == nullptr) {
        return std::unexpected(
            StorageError{"cannot write " + path + ": " + sqlite3_errmsg(to->get())});
    }
    const int code = sqlite3_backup_step(backup, -1);
    const int pages = sqlite3_backup_pagecount(backup);
    sqlite3_backup_finish(backup);
    if (code != SQLITE_DONE) {
        return std::unexpected(
            StorageError{"cannot copy into " + path + ": " + sqlite3_errstr(code)});
    }
    std::int64_t page_bytes = 0;
    sqlite3_exec(
        to->get(),
        "PRAGMA page_size",
        [](void* into, int, char** values, char**) {
            *static_cast<std::int64_t*>(into) = std::strtoll(values[0], nullptr, 10);
            return 0;
        },
        &page_bytes,
        nullptr);
    return Snapshot{pages * page_bytes};
}

}  // namespace

std::move_only_function<SnapshotResult()> make_copier(const Database& database, std::string path) {
    if (database.native_path().empty()) return nullptr;
    return [from = database.native_path(), path = std::move(path)]() -> SnapshotResult {
        auto source = open_file(from, SQLITE_OPEN_READWRITE);
        if (!source) return std::unexpected(std::move(source).error());
        // The server's own connection folds the log into the file.
        sqlite3_db_config(source->get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
        sqlite3_busy_timeout(source->get(), 5000);
        return copy_pages(source->get(), path);
    };
}

SnapshotResult copy_database(Database& database, const std::string& path) {
    MATRIX_ASSERT(!database.is_in_transaction());
    return copy_pages(database.connection(), path);
}

}  // namespace matrix::storage
