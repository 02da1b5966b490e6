// What is demanded of the target when all has healed and settled.
//
// What may legally differ between servers is not asserted: which events are soft-failed depends on
// when they came, and so do ends and current states until an event joins them. Demanded are the
// state before an event, which follows from the events before it alone; the current state where all
// rooms have one and the same end; and that what every state allows is there.
#pragma once

#include <map>
#include <vector>

#include "simulator/live/byzantine.h"
#include "simulator/live/load.h"

namespace matrix::live {

struct Evidence {
    std::map<RoomId, EventId> ends;  ///< Of the rooms that settled.
    std::vector<Acknowledged> acknowledged;
    std::vector<Planted> planted;
};

/// Adds findings to the arena's report, and the counts that show how much was compared.
void check_all(Arena& arena, const Evidence& evidence);

}  // namespace matrix::live
