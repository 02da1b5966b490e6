#include "refserver/storage/survey.h"

#include "refserver/storage/hash_column.h"

namespace matrix::storage {

std::vector<Survey::RoomEntry> Survey::list_rooms(std::string_view after, std::size_t limit) {
    std::vector<RoomEntry> rooms;
    turns_.database().query(
        "SELECT room_id, version,"
        " (SELECT COALESCE(SUM(users), 0) FROM joined_servers WHERE room = rooms.room),"
        " (SELECT COUNT(*) FROM extremities WHERE room = rooms.room)"
        " FROM rooms WHERE current_state IS NOT NULL AND room_id > ?1 ORDER BY room_id LIMIT ?2",
        {after, limit},
        [&](const Row& row) {
            rooms.push_back({RoomId(row.text(0)), row.text(1), row.integer(2), row.integer(3)});
            return true;
        });
    return rooms;
}

std::vector<Survey::RefusedEvent> Survey::list_refused(const RoomId& room,
                                                       std::int64_t before,
                                                       std::size_t limit) {
    std::vector<RefusedEvent> events;
    // The condition is that of the index `refused_events`.
    turns_.database().query(
        "SELECT event, event_id FROM events"
        " WHERE room = (SELECT room FROM rooms WHERE room_id = ?1) AND event < ?2"
        " AND (status IN (1, 2) OR is_rejected_outlier = 1) ORDER BY event DESC LIMIT ?3",
        {room.view(), before, limit},
        [&](const Row& row) {
            events.push_back({row.integer(0), EventId(row.text(1))});
            return true;
        });
    return events;
}

std::optional<std::string> Survey::find_node(const State::Hash& hash) {
    return find_state_node(turns_.database(), view(hash));
}

}  // namespace matrix::storage
