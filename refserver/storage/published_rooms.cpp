#include "refserver/storage/published_rooms.h"

namespace matrix::storage {

bool PublishedRoomStore::contains(const RoomId& room) const {
    return turns_.database()
        .find("SELECT 1 FROM published_rooms WHERE room_id = ?1",
              {room.text()},
              [](const Row& row) { return row.integer(0); })
        .has_value();
}

std::vector<RoomId> PublishedRoomStore::list() const {
    std::vector<RoomId> rooms;
    turns_.database().query(
        "SELECT room_id FROM published_rooms ORDER BY room_id", {}, [&](const Row& row) {
            rooms.emplace_back(row.text(0));
            return true;
        });
    return rooms;
}

void PublishedRoomStore::insert(const RoomId& room) {
    turns_.begin_unit();
    turns_.database().execute("INSERT OR IGNORE INTO published_rooms VALUES (?1)", {room.text()});
}

void PublishedRoomStore::remove(const RoomId& room) {
    turns_.begin_unit();
    turns_.database().execute("DELETE FROM published_rooms WHERE room_id = ?1", {room.text()});
}

}  // namespace matrix::storage
