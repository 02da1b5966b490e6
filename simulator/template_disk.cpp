#include "simulator/template_disk.h"

#include <string>

#include "refserver/base/assert.h"

namespace matrix::simulator {

std::unique_ptr<SimulatedDisk> make_template_disk(const storage::DatabaseOptions& options,
                                                  std::string_view database_name) {
    constexpr std::uint64_t kSeed = 0;  // Never used: nothing fails here.
    auto disk = std::make_unique<SimulatedDisk>(kSeed);
    {
        const auto database = storage::Database::open(*disk, database_name, options);
        MATRIX_ASSERT(database.has_value());
        MATRIX_ASSERT((*database)->checkpoint().has_value());
    }
    // All of it is in the database file now.
    const auto removed = disk->remove(std::string(database_name) + "-wal");
    MATRIX_ASSERT(removed == runtime::DiskStatus::Ok);
    return disk;
}

}  // namespace matrix::simulator
