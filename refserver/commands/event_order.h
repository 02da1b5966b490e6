// Why events of a resolution stand where they stand.
//
// Spec: https://spec.matrix.org/v1.19/rooms/v2/#definitions
#pragma once

#include <span>
#include <string>
#include <vector>

#include "refserver/commands/room.h"

namespace matrix::commands {

/// Of one event in an order.
struct Placement {
    std::string sort_key;  ///< What it was ordered by, besides its id.
    std::string because;   ///< Which comparison decided, and with which event.
};

/// Of the reverse topological power ordering: each event against the next best one of those whose
/// auth events are placed.
std::vector<Placement> explain_power_order(std::span<const EventPtr> order, const EventMap& events);

/// Of the mainline ordering: each event against the one behind it.
std::vector<Placement> explain_mainline_order(std::span<const EventPtr> order,
                                              std::span<const EventId> mainline,
                                              const EventMap& events);

}  // namespace matrix::commands
