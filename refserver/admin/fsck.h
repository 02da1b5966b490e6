// The command `refserver fsck`.
#pragma once

#include "refserver/admin/options.h"

namespace matrix::admin {

/// What the program exits with: 0 clean, 1 breaches, 2 the folder cannot be read.
int run_fsck(const FsckCommand& command);

}  // namespace matrix::admin
