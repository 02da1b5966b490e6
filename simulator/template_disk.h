// The disk that simulated servers start from: an empty database of the newest schema.
#pragma once

#include <memory>

#include "refserver/storage/database.h"
#include "simulator/simulated_disk.h"

namespace matrix::simulator {

/// Making the tables costs some milliseconds and half a megabyte, once: copies of this disk share
/// its pages, and a server that finds the database opens it like one of its own.
std::unique_ptr<SimulatedDisk> make_template_disk(const storage::DatabaseOptions& options,
                                                  std::string_view database_name);

}  // namespace matrix::simulator
