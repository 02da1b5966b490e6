#include "refserver/engine/rooms/event_order.h"

#include <set>
#include <utility>

namespace matrix::engine {

std::vector<Event> order_by_graph(EventsById events, const std::vector<EventId>& tips) {
    struct Visit {
        Event* event;
        std::size_t next_previous = 0;
    };
    std::vector<Event> ordered;
    std::set<EventId> seen;
    std::vector<Visit> path;
    const auto enter = [&](const EventId& id) {
        const auto entry = events.find(id);
        if (entry != events.end() && seen.insert(id).second) path.push_back({&entry->second});
    };
    for (const EventId& tip : tips) {
        enter(tip);
        while (!path.empty()) {
            Visit& visit = path.back();
            if (visit.next_previous == visit.event->prev_events.size()) {
                ordered.push_back(std::move(*visit.event));
                path.pop_back();
            } else {
                enter(visit.event->prev_events[visit.next_previous++]);
            }
        }
    }
    return ordered;
}

}  // namespace matrix::engine
