// Events in an order in which they can be placed.
#pragma once

#include <map>
#include <vector>

#include "refserver/protocol/event.h"

namespace matrix::engine {

using EventsById = std::map<EventId, Event>;

/// Those of `events` that `tips` name or that lie before them, each behind those that it follows.
/// Where previous events form a claimed cycle, it is cut at an event of it.
std::vector<Event> order_by_graph(EventsById events, const std::vector<EventId>& tips);

}  // namespace matrix::engine
