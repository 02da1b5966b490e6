// Durability: moves what has been committed from "written" to "survives a power cut".
#pragma once

#include <functional>

#include "refserver/runtime/pending.h"

namespace matrix::runtime {

class Durability {
public:
    virtual ~Durability() = default;

    /// Makes everything durable that was written to the database's log before this call, then calls
    /// back on the loop. A failure to do so ends the process: nobody may be told otherwise.
    virtual Pending sync(std::move_only_function<void()> done) = 0;
};

}  // namespace matrix::runtime
