// UnplacedEventStore: what waits for its place in the graph of a room, because nobody could be
// asked for what comes before it: events that were received, and events that are cited and never
// came.
//
// Bounded: where one more does not fit, the oldest of the same room and server goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

struct UnplacedEvent {
    EventId id;
    RoomId room;
    ServerName origin;  ///< Who brought it, or brought what cites it.
    /// Verified. Empty: others cite it and it is not here, or it is and its state has holes.
    std::string text;
    std::vector<EventId> prev_events = {};  ///< Written, and not read back.
    int attempts = 0;                       ///< To place it, since it came.
    std::int64_t due_ts = 0;                ///< Of the next one.

    bool is_gap() const { return text.empty(); }
};

class UnplacedEventStore {
public:
    static constexpr std::int64_t kOfRoomAndOriginMax = 50;
    static constexpr std::int64_t kMax = 2000;

    explicit UnplacedEventStore(Turns& turns);
    UnplacedEventStore(const UnplacedEventStore&) = delete;
    UnplacedEventStore& operator=(const UnplacedEventStore&) = delete;

    /// Nothing happens to one that is here, but that a gap gets its event; and when all places are
    /// taken.
    void put(const UnplacedEvent& event);
    void remove(const EventId& id);
    void postpone(const EventId& id, int attempts, std::int64_t due_ts);
    /// Those that cite `id` as a previous event may be tried at once.
    void make_due_upon(const EventId& id, std::int64_t now_ts);

    std::optional<UnplacedEvent> find(const EventId& id);
    /// The one that is due first.
    std::optional<UnplacedEvent> find_next();
    std::int64_t count();

private:
    Turns& turns_;
    std::optional<std::int64_t> count_;  ///< Nothing: to be read.
};

}  // namespace matrix::storage
