// The table of faults: of links, names, processes, disks, clocks and keys, then the
// servers' own fault points, in this order.

#include "simulator/faults/faults.h"

namespace matrix::simulator {

std::span<const Verb> fault_verbs() {
    static const std::vector<Verb> kVerbs = [] {
        std::vector<Verb> verbs;
        for (const auto family : {network_faults(),
                                  name_faults(),
                                  process_faults(),
                                  disk_faults(),
                                  clock_faults(),
                                  key_faults(),
                                  fault_points()})
            verbs.insert(verbs.end(), family.begin(), family.end());
        return verbs;
    }();
    return kVerbs;
}

}  // namespace matrix::simulator
