// Crashes: worlds in which a server dies again and again, at one operation of its disk after the
// other.
#pragma once

#include <cstdint>

#include "tests/crash/checks.h"

namespace matrix::crash {

/// What befalls the server at a chosen operation of its disk.
enum class Fault {
    /// The power fails within the operation: what was not synced survives in part, also half a
    /// page, in any order; what was synced survives. A sync that was cut has promised nothing.
    PowerCut,
    /// The process dies within the operation, and the disk goes on with all that was written.
    Kill,
    /// From this operation on there is no room on the disk, for some time.
    FullDisk,
    /// From this operation on the disk refuses all changes, or all operations, for some time.
    BrokenDisk,
};

struct CrashPlan {
    Fault fault = Fault::PowerCut;
    std::uint64_t faults = 1000;
    /// Syncs succeed and do nothing: then acknowledged data is lost, as no server can prevent.
    bool disk_lies = false;
    /// The first world is `first_world`, and each next one `stride` further: shards of one run.
    std::uint64_t first_world = 0;
    std::uint64_t stride = 1;
};

struct CrashFigures {
    std::uint64_t faults = 0;
    std::uint64_t while_opening = 0;       ///< Of these, before the server served.
    std::uint64_t ends_by_sync = 0;        ///< A process ended because a sync failed.
    std::uint64_t operations_covered = 0;  ///< The faults hit each of a life's first so many.
    std::uint64_t acknowledged = 0;
    std::uint64_t refused_full = 0;
    std::uint64_t refused_failed = 0;
    simulator::SimulatedDisk::CutCounts unsynced;
    Findings findings;
};

CrashFigures run_crashes(const CrashPlan& plan);

}  // namespace matrix::crash
