// The files that a command is given, read.
#pragma once

#include <expected>
#include <vector>

#include "refserver/commands/options.h"
#include "refserver/commands/room_file.h"

namespace matrix::commands {

/// All rooms in the files: one in each, or the cases of a file of vectors.
std::expected<std::vector<std::vector<RoomCase>>, InputError> load_files(const InputOptions& input);

/// The parts of one room; a file with several cases is refused.
std::expected<std::vector<RoomFile>, InputError> load_one_room(const InputOptions& input);

}  // namespace matrix::commands
