// EventStore: events of all rooms, each once in memory, and the edges between them.
//
// Reads give nothing while the disk fails; the turn's commit tells.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "refserver/protocol/event.h"
#include "refserver/storage/event_pool.h"
#include "refserver/storage/events.h"
#include "refserver/storage/lru_map.h"
#include "refserver/storage/turns.h"
#include "refserver/storage/watch.h"

namespace matrix::storage {

/// Between two events of a timeline, ordered as /messages walks.
struct TimelinePoint {
    std::int64_t depth = 0;
    StreamPosition stream;
    friend auto operator<=>(const TimelinePoint&, const TimelinePoint&) = default;
};

class EventStore {
public:
    /// How many events stay parsed in memory.
    static constexpr std::size_t kEventsCachedMax = 20'000;
    /// Of how many ids it stays known that there is no such event: of those that are on their way.
    static constexpr std::size_t kAbsentCachedMax = 1000;

    /// With a pool, events of the cache are those of the pool. It and who watches outlive the
    /// store.
    explicit EventStore(Turns& turns,
                        std::size_t events_cached_max = kEventsCachedMax,
                        EventPool* pool = nullptr,
                        const Watch* watch = nullptr);
    EventStore(const EventStore&) = delete;
    EventStore& operator=(const EventStore&) = delete;

    /// Null if it is unknown.
    StoredEventPtr find(const EventId& id);
    EventPtr find_event(const EventId& id);

    /// Is there such an event, of any room? Reads nothing of it.
    bool is_known(const EventId& id);

    /// Inserts an event, or replaces all that is known about it. Its edges too, if it is placed.
    void put(RoomNumber room, const StoredEvent& stored);
    /// The same of one of many that nobody is about to read: it does not stay in memory.
    void put_unread(RoomNumber room, const StoredEvent& stored);

    /// Events that cite `id` as a previous one, outliers left out. Only of an event that is not
    /// accepted, or was not when they came: nobody asks what follows another one.
    std::vector<EventId> list_children(const EventId& id);

    /// Events that found their place here last: of those that are shown, of those of the history,
    /// and of those that were refused, up to `limit` each.
    std::vector<EventId> list_lately_placed(RoomNumber room, std::size_t limit);

    /// A redaction that came before what it redacts.
    void put_early_redaction(const EventId& target, const EventId& redaction);
    std::vector<EventId> list_early_redactions(const EventId& target);
    void remove_early_redactions(const EventId& target);

    // What is shown of a room: events whose position is not 0.

    /// Up to `limit` with `after` < position <= `up_to`, the newest first.
    std::vector<StoredEvent> list_newest(RoomNumber room,
                                         StreamPosition after,
                                         StreamPosition up_to,
                                         std::size_t limit);
    /// Up to `limit` before `from`, the nearest first.
    std::vector<StoredEvent> list_before(RoomNumber room, TimelinePoint from, std::size_t limit);
    /// Up to `limit` after `from`, the nearest first.
    std::vector<StoredEvent> list_after(RoomNumber room, TimelinePoint from, std::size_t limit);
    /// Up to `limit` whose `origin_server_ts` is at least `ts`, the nearest first.
    std::vector<StoredEvent> list_sent_from(RoomNumber room, std::int64_t ts, std::size_t limit);
    /// Up to `limit` whose `origin_server_ts` is at most `ts`, the nearest first.
    std::vector<StoredEvent> list_sent_until(RoomNumber room, std::int64_t ts, std::size_t limit);
    std::optional<TimelinePoint> find_newest_point(RoomNumber room);

private:
    /// Tables that hold what is an exception, and are asked about every event. Whether one may hold
    /// rows; nothing: to be read.
    struct RareRows {
        std::optional<bool> edges;
        std::optional<bool> early_redactions;
    };
    bool may_have(std::optional<bool>& rows, std::string_view any_row);

    bool is_accepted(const EventId& id);
    void write(RoomNumber room, const StoredEvent& stored);
    std::vector<StoredEvent> load_all(const std::vector<EventId>& ids);

    StoredEventPtr share(const StoredEvent& stored) const;

    Turns& turns_;
    EventPool* pool_;
    const Watch* watch_;  ///< Null: nobody.
    LruMap<StoredEventPtr> cache_;
    RareRows rare_rows_;
    LruMap<bool> absent_{kAbsentCachedMax};  ///< False: it has come meanwhile.
};

}  // namespace matrix::storage
