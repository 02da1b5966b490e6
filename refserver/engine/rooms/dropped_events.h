// DroppedEvents: events of other servers that were not stored, and so left no other trace here.
//
// The newest are remembered, for whoever looks into the server; in memory alone, because a server
// that sends nonsense must not make this one write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "refserver/engine/counters.h"
#include "refserver/protocol/identifiers.h"
#include "refserver/runtime/clock.h"
#include "refserver/runtime/log.h"

namespace matrix::engine {

/// Of all rooms together.
inline constexpr std::size_t kDroppedEventsMax = 1000;

struct DroppedEvent {
    std::int64_t dropped_ts = 0;
    std::optional<RoomId> room;    ///< Nothing: it named none that can be read.
    std::optional<EventId> event;  ///< Nothing: it has no id that can be told.
    ServerName server;             ///< That brought it.
    std::string why;
};

class DroppedEvents {
public:
    struct Services {
        runtime::Clock& clock;
        runtime::Log& log;
        Counters& counters;
    };
    explicit DroppedEvents(Services services) : services_(services) {}
    DroppedEvents(const DroppedEvents&) = delete;
    DroppedEvents& operator=(const DroppedEvents&) = delete;

    /// Logs and counts it; `dropped_ts` is given here.
    void note(DroppedEvent event);
    /// Of many that were checked together, and may be of any room.
    void note_many(const RoomId& room, std::size_t count);

    /// Those of a room, the newest first.
    std::vector<DroppedEvent> list(const RoomId& room) const;

private:
    Services services_;
    std::deque<DroppedEvent> events_;  ///< The oldest first.
};

}  // namespace matrix::engine
