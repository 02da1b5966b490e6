// What the release before this one would have left on a server's disk.
#pragma once

#include <cstdint>
#include <string_view>

#include "simulator/simulated_disk.h"

namespace matrix::simulator {

/// Rewrites a database of the newest schema as one of the schema before it: made by all migrations
/// but the last, with the rows that such a database can hold. What only the newest schema can hold
/// is gone, for that release never had it. Gives the number of rows. No server runs on the disk; a
/// database that cannot be opened is a bug.
std::uint64_t rewrite_for_older_release(SimulatedDisk& disk, std::string_view database_name);

}  // namespace matrix::simulator
