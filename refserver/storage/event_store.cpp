#include "refserver/storage/event_store.h"

#include <limits>
#include <ostream>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/storage/hash_column.h"

namespace matrix::storage {

std::ostream& operator<<(std::ostream& out, EventStatus status) {
    switch (status) {
        case EventStatus::Accepted:
            return out << "accepted";
        case EventStatus::SoftFailed:
            return out << "soft-failed";
        case EventStatus::Rejected:
            return out << "rejected";
        case EventStatus::Outlier:
            return out << "outlier";
    }
    unreachable();
}

EventStore::EventStore(Turns& turns,
                       std::size_t events_cached_max,
                       EventPool* pool,
                       const Watch* watch)
    : turns_(turns), pool_(pool), watch_(watch), cache_(events_cached_max) {
    turns_.on_failed_commit([this] {
        cache_.clear();
        rare_rows_ = {};
    });
}

StoredEventPtr EventStore::share(const StoredEvent& stored) const {
    auto shared = std::make_shared<StoredEvent>(stored);
    if (pool_ != nullptr) shared->event = pool_->share(shared->event);
    return shared;
}

namespace {

StoredEvent read_event(const Row& row) {
    const RoomRules* rules = find_room_rules(row.view(9));
    MATRIX_ASSERT(rules);
    auto event = parse_event(row.view(8), *rules);
    MATRIX_ASSERT(event);  // We wrote it.

    StoredEvent stored;
    stored.event = std::make_shared<const Event>(*std::move(event));
    stored.status = static_cast<EventStatus>(row.integer(0));
    stored.is_rejected_outlier = row.integer(1) != 0;
    stored.position = {row.integer(2)};
    stored.state_before = read_hash(row, 3);
    stored.state_after = read_hash(row, 4);
    stored.rule = row.text(5);
    stored.detail = row.text(6);
    if (const auto redacted_by = row.maybe_text(7)) stored.redacted_by.emplace(*redacted_by);
    return stored;
}

}  // namespace

StoredEventPtr EventStore::find(const EventId& id) {
    if (const StoredEventPtr* known = cache_.find(id.view())) return *known;
    if (const bool* is_absent = absent_.find(id.view()); is_absent && *is_absent) return nullptr;
    const auto stored = turns_.database().find(
        "SELECT status, is_rejected_outlier, position, state_before, state_after, rule, detail,"
        " redacted_by, text, version FROM events JOIN rooms USING (room) WHERE event_id = ?1",
        {id.view()},
        read_event);
    if (!stored) {
        if (!turns_.database().has_failed()) absent_.put(id.view(), true);
        return nullptr;
    }
    StoredEventPtr shared = share(*stored);
    cache_.put(id.view(), shared);
    return shared;
}

EventPtr EventStore::find_event(const EventId& id) {
    const StoredEventPtr stored = find(id);
    return stored ? stored->event : nullptr;
}

namespace {

Binding bind_id(const std::optional<EventId>& id) {
    return id ? Binding(id->view()) : Binding(nullptr);
}

}  // namespace

bool EventStore::is_accepted(const EventId& id) {
    const StoredEventPtr stored = find(id);
    return stored && stored->status == EventStatus::Accepted;
}

bool EventStore::is_known(const EventId& id) {
    if (cache_.find(id.view())) return true;
    return turns_.database()
        .find("SELECT 1 FROM events WHERE event_id = ?1",
              {id.view()},
              [](const Row&) { return true; })
        .has_value();
}

void EventStore::put(RoomNumber room, const StoredEvent& stored) {
    write(room, stored);
    cache_.put(stored.event->id.view(), share(stored));
}

void EventStore::put_unread(RoomNumber room, const StoredEvent& stored) {
    write(room, stored);
    if (StoredEventPtr* cached = cache_.find(stored.event->id.view())) *cached = share(stored);
}

void EventStore::write(RoomNumber room, const StoredEvent& stored) {
    const Event& event = *stored.event;
    Database& database = turns_.database();
    turns_.begin_unit();
    database.execute(
        "INSERT INTO events (event_id, room, depth, position, status, is_rejected_outlier,"
        " state_before, state_after, rule, detail, redacted_by, text)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
        " ON CONFLICT (event_id) DO UPDATE SET position = ?4, status = ?5,"
        " is_rejected_outlier = ?6, state_before = ?7, state_after = ?8, rule = ?9, detail = ?10,"
        " redacted_by = ?11, text = ?12",
        {event.id.view(),
         room,
         event.depth,
         stored.position,
         static_cast<int>(stored.status),
         stored.is_rejected_outlier,
         bind_hash(stored.state_before),
         bind_hash(stored.state_after),
         stored.rule,
         stored.detail,
         bind_id(stored.redacted_by),
         event.text});
    if (stored.is_placed()) {
        for (const EventId& previous : event.prev_events) {
            if (is_accepted(previous)) continue;
            rare_rows_.edges = true;
            database.execute(
                "INSERT OR IGNORE INTO event_edges"
                " SELECT ?1, event FROM events WHERE event_id = ?2",
                {previous.view(), event.id.view()});
        }
    }
    if (stored.position != StreamPosition{}) {
        database.execute(
            "INSERT OR IGNORE INTO event_times SELECT ?1, ?2, event FROM events"
            " WHERE event_id = ?3",
            {room, event.origin_server_ts, event.id.view()});
    }
    if (bool* is_absent = absent_.find(event.id.view())) *is_absent = false;
    if (watch_ != nullptr) watch_->event(stored);
}

namespace {

std::vector<EventId> list_ids(Database& database,
                              std::string_view sql,
                              Database::Bindings bindings) {
    std::vector<EventId> ids;
    database.query(sql, bindings, [&](const Row& row) {
        ids.emplace_back(row.text(0));
        return true;
    });
    return ids;
}

}  // namespace

bool EventStore::may_have(std::optional<bool>& rows, std::string_view any_row) {
    if (!rows) {
        Database& database = turns_.database();
        const bool has_any =
            database.find(any_row, {}, [](const Row&) { return true; }).has_value();
        if (database.has_failed()) return true;
        rows = has_any;
    }
    return *rows;
}

std::vector<EventId> EventStore::list_children(const EventId& id) {
    if (!may_have(rare_rows_.edges, "SELECT 1 FROM event_edges LIMIT 1")) return {};
    return list_ids(turns_.database(),
                    "SELECT event_id FROM event_edges JOIN events USING (event)"
                    " WHERE previous_id = ?1",
                    {id.view()});
}

void EventStore::put_early_redaction(const EventId& target, const EventId& redaction) {
    turns_.begin_unit();
    rare_rows_.early_redactions = true;
    turns_.database().execute("INSERT OR IGNORE INTO early_redactions VALUES (?1, ?2)",
                              {target.view(), redaction.view()});
}

std::vector<EventId> EventStore::list_early_redactions(const EventId& target) {
    if (!may_have(rare_rows_.early_redactions, "SELECT 1 FROM early_redactions LIMIT 1")) return {};
    return list_ids(turns_.database(),
                    "SELECT event_id FROM early_redactions WHERE redacts = ?1",
                    {target.view()});
}

void EventStore::remove_early_redactions(const EventId& target) {
    turns_.begin_unit();
    turns_.database().execute("DELETE FROM early_redactions WHERE redacts = ?1", {target.view()});
    rare_rows_.early_redactions.reset();  // This may have been the last one.
}

std::vector<EventId> EventStore::list_lately_placed(RoomNumber room, std::size_t limit) {
    std::vector<EventId> ids;
    for (const std::string_view sql :
         {"SELECT event_id FROM events WHERE room = ?1 AND position > 0"
          " ORDER BY position DESC LIMIT ?2",
          "SELECT event_id FROM events WHERE room = ?1 AND position < 0"
          " ORDER BY position LIMIT ?2",
          // As the index `refused_events` has it.
          "SELECT event_id FROM events WHERE room = ?1"
          " AND (status IN (1, 2) OR is_rejected_outlier = 1) ORDER BY event DESC LIMIT ?2"}) {
        for (EventId& id : list_ids(turns_.database(), sql, {room, limit}))
            ids.push_back(std::move(id));
    }
    return ids;
}

std::vector<StoredEvent> EventStore::load_all(const std::vector<EventId>& ids) {
    std::vector<StoredEvent> events;
    events.reserve(ids.size());
    for (const EventId& id : ids) {
        if (const StoredEventPtr stored = find(id)) events.push_back(*stored);
    }
    return events;
}

std::vector<StoredEvent> EventStore::list_newest(RoomNumber room,
                                                 StreamPosition after,
                                                 StreamPosition up_to,
                                                 std::size_t limit) {
    return load_all(list_ids(turns_.database(),
                             "SELECT event_id FROM events WHERE room = ?1 AND position <> 0"
                             " AND position > ?2 AND position <= ?3"
                             " ORDER BY position DESC LIMIT ?4",
                             {room, after, up_to, limit}));
}

std::vector<StoredEvent> EventStore::list_before(RoomNumber room,
                                                 TimelinePoint from,
                                                 std::size_t limit) {
    return load_all(list_ids(turns_.database(),
                             "SELECT event_id FROM events WHERE room = ?1 AND position <> 0"
                             " AND (depth, position) < (?2, ?3)"
                             " ORDER BY depth DESC, position DESC LIMIT ?4",
                             {room, from.depth, from.stream, limit}));
}

std::vector<StoredEvent> EventStore::list_after(RoomNumber room,
                                                TimelinePoint from,
                                                std::size_t limit) {
    return load_all(list_ids(turns_.database(),
                             "SELECT event_id FROM events WHERE room = ?1 AND position <> 0"
                             " AND (depth, position) > (?2, ?3)"
                             " ORDER BY depth, position LIMIT ?4",
                             {room, from.depth, from.stream, limit}));
}

std::vector<StoredEvent> EventStore::list_sent_from(RoomNumber room,
                                                    std::int64_t ts,
                                                    std::size_t limit) {
    return load_all(
        list_ids(turns_.database(),
                 "SELECT event_id FROM event_times JOIN events USING (event)"
                 " WHERE event_times.room = ?1 AND position <> 0 AND origin_server_ts >= ?2"
                 " ORDER BY origin_server_ts, event LIMIT ?3",
                 {room, ts, limit}));
}

std::vector<StoredEvent> EventStore::list_sent_until(RoomNumber room,
                                                     std::int64_t ts,
                                                     std::size_t limit) {
    return load_all(
        list_ids(turns_.database(),
                 "SELECT event_id FROM event_times JOIN events USING (event)"
                 " WHERE event_times.room = ?1 AND position <> 0 AND origin_server_ts <= ?2"
                 " ORDER BY origin_server_ts DESC, event DESC LIMIT ?3",
                 {room, ts, limit}));
}

std::optional<TimelinePoint> EventStore::find_newest_point(RoomNumber room) {
    return turns_.database().find(
        "SELECT depth, position FROM events WHERE room = ?1 AND position <> 0"
        " ORDER BY depth DESC, position DESC LIMIT 1",
        {room},
        [](const Row& row) { return TimelinePoint{row.integer(0), {row.integer(1)}}; });
}

}  // namespace matrix::storage
