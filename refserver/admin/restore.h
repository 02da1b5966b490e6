// The command `refserver restore`: a data folder from a snapshot.
#pragma once

#include "refserver/admin/options.h"

namespace matrix::admin {

/// What the program exits with: 0 done, 1 the snapshot has breaches, 2 it cannot be read or the
/// folder cannot be made. After 1 and 2 there is no folder.
int run_restore(const RestoreCommand& command);

}  // namespace matrix::admin
