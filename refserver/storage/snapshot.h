// Snapshots: a database as it was at one moment, in a folder of its own.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>

#include "refserver/storage/database.h"

namespace matrix::storage {

struct Snapshot {
    std::int64_t bytes = 0;
};
struct SnapshotError {
    enum class Kind {
        Exists,      ///< There is such a file already, which is left as it is.
        BadPath,     ///< No file can be made there.
        DiskFull,    ///< Nothing of the copy is left, as for `Unreadable`.
        Unreadable,  ///< One of the two files failed.
    };
    Kind kind;
    std::string what;
};
using SnapshotResult = std::expected<Snapshot, SnapshotError>;

/// What copies all that is committed now into the new file `path`; durable when it returns. To be
/// called on any thread, at any time; it refers to nothing of the database.
/// Empty when only this connection can read the database: then see `copy_database`.
std::move_only_function<SnapshotResult()> make_copier(const Database& database, std::string path);
/// The same at once, on this connection: between two transactions, or of the moment that a database
/// which was opened to read shows.
SnapshotResult copy_database(Database& database, const std::string& path);

}  // namespace matrix::storage
