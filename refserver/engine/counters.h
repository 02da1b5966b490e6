// Counters: what a server did, for benchmarks, the simulator and inspection.
#pragma once

#include <cstdint>

namespace matrix::engine {

struct Counters {
    std::uint64_t requests = 0;
    std::uint64_t events_sent = 0;      ///< Accepted, by our users.
    std::uint64_t events_received = 0;  ///< Accepted, from other servers.
    std::uint64_t events_rejected = 0;
    std::uint64_t events_soft_failed = 0;
    std::uint64_t resolutions = 0;  ///< Of two or more different states.
    std::uint64_t resolutions_with_conflict = 0;
    std::uint64_t resolutions_by_mainline = 0;
};

}  // namespace matrix::engine
