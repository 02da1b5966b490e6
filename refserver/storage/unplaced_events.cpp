#include "refserver/storage/unplaced_events.h"

namespace matrix::storage {

UnplacedEventStore::UnplacedEventStore(Turns& turns) : turns_(turns) {
    turns_.on_failed_commit([this] { count_.reset(); });
}

std::int64_t UnplacedEventStore::count() {
    if (!count_) {
        count_ = turns_.database().find("SELECT COUNT(*) FROM unplaced_events",
                                        {},
                                        [](const Row& row) { return row.integer(0); });
    }
    return count_.value_or(0);
}

void UnplacedEventStore::put(const UnplacedEvent& event) {
    Database& database = turns_.database();
    turns_.begin_unit();
    const auto known = find(event.id);
    if (known && (!known->is_gap() || event.is_gap())) return;
    if (known) remove(event.id);
    const auto oldest = database.find(
        "SELECT event_id FROM unplaced_events WHERE room_id = ?1 AND origin = ?2"
        " ORDER BY number DESC LIMIT 1 OFFSET ?3",
        {event.room.view(), event.origin.view(), kOfRoomAndOriginMax - 1},
        [](const Row& row) { return EventId(row.text(0)); });
    if (oldest) remove(*oldest);
    if (count() >= kMax) return;
    database.execute(
        "INSERT INTO unplaced_events (event_id, room_id, origin, text, attempts, due_ts)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        {event.id.view(),
         event.room.view(),
         event.origin.view(),
         event.text,
         event.attempts,
         event.due_ts});
    for (const EventId& previous : event.prev_events) {
        database.execute("INSERT OR IGNORE INTO unplaced_edges VALUES (?1, ?2)",
                         {previous.view(), event.id.view()});
    }
    count_.reset();
}

void UnplacedEventStore::remove(const EventId& id) {
    if (count() == 0) return;
    turns_.begin_unit();
    turns_.database().execute("DELETE FROM unplaced_events WHERE event_id = ?1", {id.view()});
    if (turns_.database().changes() == 0) return;
    turns_.database().execute("DELETE FROM unplaced_edges WHERE event_id = ?1", {id.view()});
    count_.reset();
}

void UnplacedEventStore::postpone(const EventId& id, int attempts, std::int64_t due_ts) {
    turns_.begin_unit();
    turns_.database().execute(
        "UPDATE unplaced_events SET attempts = ?2, due_ts = ?3 WHERE event_id = ?1",
        {id.view(), attempts, due_ts});
}

void UnplacedEventStore::make_due_upon(const EventId& id, std::int64_t now_ts) {
    if (count() == 0) return;
    turns_.begin_unit();
    turns_.database().execute(
        "UPDATE unplaced_events SET due_ts = MIN(due_ts, ?2) WHERE event_id IN"
        " (SELECT event_id FROM unplaced_edges WHERE previous_id = ?1)",
        {id.view(), now_ts});
}

namespace {

UnplacedEvent read_unplaced(const Row& row) {
    return {.id = EventId(row.text(0)),
            .room = RoomId(row.text(1)),
            .origin = ServerName(row.text(2)),
            .text = row.text(3),
            .attempts = static_cast<int>(row.integer(4)),
            .due_ts = row.integer(5)};
}

}  // namespace

std::optional<UnplacedEvent> UnplacedEventStore::find(const EventId& id) {
    if (count() == 0) return std::nullopt;
    return turns_.database().find(
        "SELECT event_id, room_id, origin, text, attempts, due_ts FROM unplaced_events"
        " WHERE event_id = ?1",
        {id.view()},
        read_unplaced);
}

std::optional<UnplacedEvent> UnplacedEventStore::find_next() {
    return turns_.database().find(
        "SELECT event_id, room_id, origin, text, attempts, due_ts FROM unplaced_events"
        " ORDER BY due_ts, number LIMIT 1",
        {},
        read_unplaced);
}

}  // namespace matrix::storage
