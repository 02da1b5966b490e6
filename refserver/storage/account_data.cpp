#include "refserver/storage/account_data.h"

namespace matrix::storage {

void AccountDataStore::put(const UserId& user,
                           const RoomId& room,
                           std::string_view type,
                           std::string_view content,
                           StreamPosition position) {
    turns_.begin_unit();
    turns_.database().execute(
        "INSERT OR REPLACE INTO account_data (user_id, room_id, type, content, position)"
        " VALUES (?1, ?2, ?3, ?4, ?5)",
        {user.text(), room.text(), type, content, position});
}

std::vector<AccountDataStore::Entry> AccountDataStore::list(const UserId& user,
                                                            const RoomId& room,
                                                            StreamPosition after,
                                                            StreamPosition up_to) const {
    std::vector<Entry> entries;
    turns_.database().query(
        "SELECT type, content FROM account_data WHERE user_id = ?1 AND room_id = ?2"
        " AND position > ?3 AND position <= ?4 ORDER BY type",
        {user.text(), room.text(), after, up_to},
        [&](const Row& row) {
            entries.push_back({row.text(0), row.text(1)});
            return true;
        });
    return entries;
}

}  // namespace matrix::storage
