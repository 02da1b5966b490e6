// The checker "convergence": after the network healed, honest servers agree.
//
// For each room, among the servers that are joined to it: the same forward extremities, the same
// current state, the same state before every event that both have, and no event behind
// the extremities that one accepted and another rejected or never got. (Soft failure may differ: it
// depends on what a server knew when an event came. See knowledge P-C1.)
#pragma once

#include <string>
#include <vector>

#include "simulator/cluster.h"

namespace matrix::simulator {

struct ConvergenceReport {
    std::size_t pairs_compared = 0;
    std::size_t pairs_estranged = 0;
    std::size_t events_compared = 0;
    std::vector<std::string> disagreements;  ///< One sentence each.
    bool has_converged() const { return disagreements.empty() && pairs_compared > 0; }
};

ConvergenceReport check_convergence(Cluster& cluster, const std::vector<RoomId>& rooms);

}  // namespace matrix::simulator
