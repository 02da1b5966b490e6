// Which step of one room version would have kept another version from a reset.
#pragma once

#include <span>
#include <string>

#include "refserver/protocol/state_resolution.h"
#include "simulator/lab/resets.h"

namespace matrix::lab {

/// By which of the steps of `other`, put into `own` alone, the resolution of `inputs` resets
/// nothing: names joined by " or ", "only all of them together" or "none of them".
std::string find_repair(const History& history,
                        const FindEvent& find_event,
                        std::span<const State> inputs,
                        const RoomRules& own,
                        const RoomRules& other);

}  // namespace matrix::lab
