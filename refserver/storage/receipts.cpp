#include "refserver/storage/receipts.h"

namespace matrix::storage {

void ReceiptStore::put(const ReceiptRow& receipt) {
    turns_.begin_unit();
    turns_.database().execute(
        "INSERT OR REPLACE INTO receipts"
        " (room_id, type, user_id, thread, event_id, ts, position)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        {receipt.room.text(),
         receipt.type,
         receipt.user.text(),
         receipt.thread,
         receipt.event.text(),
         receipt.ts,
         receipt.position.value});
}

std::optional<EventId> ReceiptStore::find_event(const RoomId& room,
                                                std::string_view type,
                                                const UserId& user,
                                                std::string_view thread) const {
    return turns_.database().find(
        "SELECT event_id FROM receipts"
        " WHERE room_id = ?1 AND type = ?2 AND user_id = ?3 AND thread = ?4",
        {room.text(), type, user.text(), thread},
        [](const Row& row) { return EventId(row.text(0)); });
}

std::vector<ReceiptRow> ReceiptStore::list(const RoomId& room,
                                           const UserId& reader,
                                           StreamPosition after,
                                           StreamPosition up_to,
                                           std::size_t receipts_max) const {
    std::vector<ReceiptRow> receipts;
    turns_.database().query(
        "SELECT type, user_id, thread, event_id, ts, position FROM receipts"
        " WHERE room_id = ?1 AND position > ?3 AND position <= ?4"
        " AND (type <> 'm.read.private' OR user_id = ?2) ORDER BY position DESC LIMIT ?5",
        {room.text(), reader.text(), after.value, up_to.value, receipts_max},
        [&](const Row& row) {
            receipts.push_back({room,
                                row.text(0),
                                UserId(row.text(1)),
                                row.text(2),
                                EventId(row.text(3)),
                                row.integer(4),
                                StreamPosition{row.integer(5)}});
            return true;
        });
    return receipts;
}

}  // namespace matrix::storage
