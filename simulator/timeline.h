// Everything in the timeline of a server's room.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "refserver/engine/rooms/room.h"

namespace matrix::simulator {

/// Calls `visit` for each event, the newest first.
template <class Visit>
void for_each_in_timeline(const engine::Room& room, Visit&& visit) {
    constexpr std::size_t kPageEvents = 1'000;
    std::optional<engine::TimelinePoint> from = room.newest_point();
    while (from) {
        engine::TimelinePage page = room.page(*from, engine::Direction::Backwards, kPageEvents);
        for (engine::StoredEvent& stored : page.events)
            visit(std::move(stored));
        from = page.next;
    }
}

}  // namespace matrix::simulator
