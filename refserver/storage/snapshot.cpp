#include "refserver/storage/snapshot.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "refserver/base/assert.h"

namespace matrix::storage {
namespace {

using Connection = std::unique_ptr<sqlite3, decltype(&sqlite3_close)>;

std::unexpected<SnapshotError> fail(int code, std::string what) {
    const bool is_full = (code & 0xff) == SQLITE_FULL;
    return std::unexpected(
        SnapshotError{is_full ? SnapshotError::Kind::DiskFull : SnapshotError::Kind::Unreadable,
                      std::move(what) + ": " + sqlite3_errstr(code)});
}

std::expected<Connection, SnapshotError> open_file(const std::string& path) {
    sqlite3* opened = nullptr;
    constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const int code = sqlite3_open_v2(path.c_str(), &opened, kFlags, nullptr);
    Connection connection(opened, sqlite3_close);
    if (code != SQLITE_OK) return fail(code, "cannot open " + path);
    return connection;
}

// SQLite would write into a file that is there.
std::expected<void, SnapshotError> create_file(const std::string& path) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file >= 0) {
        ::close(file);
        return {};
    }
    const int reason = errno;
    if (reason == EEXIST) {
        return std::unexpected(
            SnapshotError{SnapshotError::Kind::Exists, "there is already a file " + path});
    }
    const bool is_full = reason == ENOSPC || reason == EDQUOT;
    return std::unexpected(
        SnapshotError{is_full ? SnapshotError::Kind::DiskFull : SnapshotError::Kind::BadPath,
                      "cannot create " + path + ": " + std::strerror(reason)});
}

// In one step, which reads one moment of the source.
SnapshotResult fill(sqlite3* from, const std::string& path) {
    auto to = open_file(path);
    if (!to) return std::unexpected(std::move(to).error());
    sqlite3_exec(to->get(), "PRAGMA synchronous=FULL", nullptr, nullptr, nullptr);
    sqlite3_backup* backup = sqlite3_backup_init(to->get(), "main", from, "main");
    if (backup == nullptr) return fail(sqlite3_errcode(to->get()), "cannot write " + path);
    const int code = sqlite3_backup_step(backup, -1);
    const int pages = sqlite3_backup_pagecount(backup);
    sqlite3_backup_finish(backup);
    if (code != SQLITE_DONE) return fail(code, "cannot copy into " + path);
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

SnapshotResult copy_pages(sqlite3* from, const std::string& path) {
    if (auto created = create_file(path); !created) {
        return std::unexpected(std::move(created).error());
    }
    auto result = fill(from, path);
    if (!result) {
        ::unlink(path.c_str());
        ::unlink((path + "-journal").c_str());
    }
    return result;
}

}  // namespace

std::move_only_function<SnapshotResult()> make_copier(const Database& database, std::string path) {
    if (database.native_path().empty()) return nullptr;
    return [from = database.native_path(), path = std::move(path)]() -> SnapshotResult {
        auto source = open_file(from);
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
