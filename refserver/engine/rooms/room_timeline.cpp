// The timeline as clients page through it, and the graph as other servers do.

#include <algorithm>
#include <deque>
#include <set>
#include <tuple>

#include "refserver/engine/rooms/room_data.h"

namespace matrix::engine {

TimelinePage Room::page(TimelinePoint from, Direction direction, std::size_t limit) const {
    storage::EventStore& store = data().services.events;
    TimelinePage page;
    page.events = direction == Direction::Backwards
                      ? store.list_before(data_->number, from, limit + 1)
                      : store.list_after(data_->number, from, limit + 1);
    if (page.events.size() <= limit) return page;
    page.events.pop_back();
    if (page.events.empty()) {
        page.next = from;
        return page;
    }
    const StoredEvent& last = page.events.back();
    page.next = TimelinePoint{last.event->depth, last.position};
    return page;
}

TimelinePoint Room::newest_point() const {
    return data().services.events.find_newest_point(data_->number).value_or(TimelinePoint{});
}

std::vector<StoredEvent> Room::nearest_to(std::int64_t ts,
                                          Direction direction,
                                          std::size_t limit) const {
    storage::EventStore& store = data().services.events;
    return direction == Direction::Forwards ? store.list_sent_from(data_->number, ts, limit)
                                            : store.list_sent_until(data_->number, ts, limit);
}

Room::Recent Room::recent(StreamPosition after, StreamPosition up_to, std::size_t limit) const {
    Recent recent;
    recent.events = data().services.events.list_newest(data_->number, after, up_to, limit + 1);
    recent.is_limited = recent.events.size() > limit;
    if (recent.is_limited) recent.events.pop_back();
    std::ranges::reverse(recent.events);
    return recent;
}

State Room::state_at(StreamPosition position) const {
    const auto root = data().services.rooms.find_state_at(data_->number, position);
    if (!root) return State();
    return data_->services.states.load(*root).value_or(State());
}

std::vector<EventPtr> Room::preceding(const std::vector<EventId>& ids, std::size_t limit) const {
    // The deepest first; of those at one depth the smallest id.
    using Place = std::tuple<std::int64_t, EventId>;
    std::map<Place, EventPtr> pending;
    std::set<EventId> seen;
    const auto visit = [&](const EventId& event_id) {
        if (!seen.insert(event_id).second) return;
        const auto stored = data_->find_placed(event_id);
        if (!stored) return;
        pending.emplace(Place{-stored->event->depth, event_id}, stored->event);
    };
    data();
    std::ranges::for_each(ids, visit);
    std::vector<EventPtr> events;
    while (!pending.empty() && events.size() < limit) {
        EventPtr event = std::move(pending.begin()->second);
        pending.erase(pending.begin());
        std::ranges::for_each(event->prev_events, visit);
        events.push_back(std::move(event));
    }
    return events;
}

std::vector<EventPtr> Room::missing_between(const std::vector<EventId>& earliest,
                                            const std::vector<EventId>& latest,
                                            std::size_t limit,
                                            std::int64_t min_depth) const {
    data();
    std::set<EventId> seen(earliest.begin(), earliest.end());
    seen.insert(latest.begin(), latest.end());
    std::deque<EventPtr> pending;
    std::vector<EventPtr> events;
    const auto visit_previous = [&](const Event& event) {
        for (const EventId& previous : event.prev_events) {
            if (!seen.insert(previous).second) continue;
            const auto stored = data_->find_placed(previous);
            if (stored && stored->event->depth >= min_depth) pending.push_back(stored->event);
        }
    };
    for (const EventId& event_id : latest) {
        if (const auto stored = data_->find_placed(event_id)) visit_previous(*stored->event);
    }
    while (!pending.empty() && events.size() < limit) {
        EventPtr event = std::move(pending.front());
        pending.pop_front();
        visit_previous(*event);
        events.push_back(std::move(event));
    }
    std::ranges::reverse(events);
    return events;
}

}  // namespace matrix::engine
