// The commands `refserver snapshot` and `refserver fork`: copies of a running server.
#pragma once

#include "refserver/admin/options.h"

namespace matrix::admin {

/// What the program exits with: 0 done, 1 the server does not answer or refuses, 2 the folder
/// cannot be made. After 1 and 2 there is no folder.
int run_snapshot(const SnapshotCommand& command);
/// The same, and prints how to start a server on the copy.
int run_fork(const SnapshotCommand& command);

}  // namespace matrix::admin
