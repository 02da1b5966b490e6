#include "refserver/engine/rooms/dropped_events.h"

#include <ranges>
#include <string_view>
#include <utility>

#include "refserver/protocol/utf8.h"
#include "refserver/runtime/log_line.h"

namespace matrix::engine {
namespace {

template <class Id>
std::string_view view_of(const std::optional<Id>& id) {
    return id ? id->view() : std::string_view();
}

}  // namespace

void DroppedEvents::note(DroppedEvent event) {
    ++services_.counters.events_dropped;
    event.why.resize(utf8_prefix(event.why, runtime::kLogValueBytesMax).size());
    services_.log.write("event_dropped",
                        {{"room", view_of(event.room)},
                         {"event", view_of(event.event)},
                         {"server", event.server.view()},
                         {"why", event.why}});
    event.dropped_ts = services_.clock.now().value;
    events_.push_back(std::move(event));
    if (events_.size() > kDroppedEventsMax) events_.pop_front();
}

void DroppedEvents::note_many(const RoomId& room, std::size_t count) {
    if (count == 0) return;
    services_.counters.events_dropped += count;
    services_.log.write("events_dropped", {{"room", room.view()}, {"count", count}});
}

std::vector<DroppedEvent> DroppedEvents::list(const RoomId& room) const {
    std::vector<DroppedEvent> listed;
    for (const DroppedEvent& event : std::views::reverse(events_)) {
        if (event.room == room) listed.push_back(event);
    }
    return listed;
}

}  // namespace matrix::engine
