// World: everything that a server needs from outside, in one place.
#pragma once

#include "refserver/runtime/clock.h"
#include "refserver/runtime/disk.h"
#include "refserver/runtime/durability.h"
#include "refserver/runtime/executor.h"
#include "refserver/runtime/log.h"
#include "refserver/runtime/network.h"
#include "refserver/runtime/random.h"
#include "refserver/runtime/resolver.h"
#include "refserver/runtime/workers.h"

namespace matrix::runtime {

/// All of it outlives the server.
struct World {
    Executor& executor;
    Clock& clock;
    RandomSource& random;
    Network& network;
    Resolver& resolver;
    Workers& workers;
    Disk& disk;
    Durability& durability;
    Log& log;
};

}  // namespace matrix::runtime
