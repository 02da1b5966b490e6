// Durability: moves what has been committed from "written" to "survives a power cut".
#pragma once

#include <cstdint>
#include <functional>

#include "refserver/runtime/pending.h"

namespace matrix::runtime {

/// What waiting for the disk has cost so far; nothing where there is no real one.
struct SyncStatistics {
    std::uint64_t syncs = 0;
    std::int64_t total_us = 0;
    std::int64_t longest_us = 0;
};

class Durability {
public:
    virtual ~Durability() = default;

    /// Makes everything durable that was written to the database's log before this call, then calls
    /// back on the loop. A failure to do so ends the process: nobody may be told otherwise.
    virtual Pending sync(std::move_only_function<void()> done) = 0;

    virtual SyncStatistics statistics() const { return {}; }
};

}  // namespace matrix::runtime
