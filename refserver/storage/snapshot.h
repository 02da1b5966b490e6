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
using SnapshotResult = std::expected<Snapshot, StorageError>;

/// What copies all that is committed now into the file `path`, which must not exist; durable when
/// it returns. To be called on any thread, at any time; it refers to nothing of the database.
/// Empty when only this connection can read the database: then see `copy_database`.
std::move_only_function<SnapshotResult()> make_copier(const Database& database, std::string path);
/// The same at once, on this connection, between two transactions.
SnapshotResult copy_database(Database& database, const std::string& path);

}  // namespace matrix::storage
