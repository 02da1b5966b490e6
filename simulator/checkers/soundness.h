// The checker "soundness": fsck finds each server's database clean.
//
// Hashes, signatures, verdicts, states recomputed from the events before, extremities, tables that
// repeat what the graph says; see engine/fsck/fsck.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simulator/cluster.h"

namespace matrix::simulator {

struct SoundnessReport {
    std::uint64_t events = 0;
    std::uint64_t states = 0;  ///< Recomputed, and found equal or not.
    std::uint64_t breach_count = 0;
    std::vector<std::string> breaches;  ///< The first of them, one sentence each.
};

/// Between two turns of all servers.
SoundnessReport check_soundness(Cluster& cluster);

}  // namespace matrix::simulator
