// Lists of events as the federation endpoints answer them.
#pragma once

#include <string>
#include <vector>

#include "refserver/protocol/event.h"

namespace matrix::engine {

/// Appends a JSON array of the events, each as it is stored.
void write_events_to(std::string& out, const std::vector<EventPtr>& events);
/// Appends a JSON array of their ids.
void write_event_ids_to(std::string& out, const std::vector<EventPtr>& events);

std::vector<EventId> ids_of(const std::vector<EventPtr>& events);

}  // namespace matrix::engine
