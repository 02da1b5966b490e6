#include "refserver/engine/federation/event_lists.h"

namespace matrix::engine {

void write_events_to(std::string& out, const std::vector<EventPtr>& events) {
    std::size_t size = out.size() + 2;
    for (const EventPtr& event : events)
        size += event->text.size() + 1;
    out.reserve(size);

    char separator = '[';
    for (const EventPtr& event : events) {
        out += separator;
        out += event->text;
        separator = ',';
    }
    out += events.empty() ? "[]" : "]";
}

void write_event_ids_to(std::string& out, const std::vector<EventPtr>& events) {
    char separator = '[';
    for (const EventPtr& event : events) {
        out += separator;
        json::write_string_to(out, event->id.view());
        separator = ',';
    }
    out += events.empty() ? "[]" : "]";
}

std::vector<EventId> ids_of(const std::vector<EventPtr>& events) {
    std::vector<EventId> ids;
    ids.reserve(events.size());
    for (const EventPtr& event : events)
        ids.push_back(event->id);
    return ids;
}

}  // namespace matrix::engine
