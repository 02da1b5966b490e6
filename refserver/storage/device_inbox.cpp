#include "refserver/storage/device_inbox.h"

namespace matrix::storage {

StreamPosition DeviceInboxStore::append(const UserId& user,
                                        const DeviceId& device,
                                        std::string_view text,
                                        std::int64_t length_max) {
    const StreamPosition position = turns_.next_position();
    turns_.database().execute(
        "INSERT INTO device_messages (user_id, device_id, position, text)"
        " VALUES (?1, ?2, ?3, ?4)",
        {user.text(), device.text(), position, text});
    turns_.database().execute(
        "DELETE FROM device_messages WHERE user_id = ?1 AND device_id = ?2 AND position <="
        " (SELECT position FROM device_messages WHERE user_id = ?1 AND device_id = ?2"
        " ORDER BY position DESC LIMIT 1 OFFSET ?3)",
        {user.text(), device.text(), length_max});
    return position;
}

std::vector<DeviceInboxStore::Message> DeviceInboxStore::list(const UserId& user,
                                                              const DeviceId& device,
                                                              StreamPosition after,
                                                              StreamPosition up_to,
                                                              std::size_t limit) const {
    std::vector<Message> messages;
    turns_.database().query(
        "SELECT position, text FROM device_messages WHERE user_id = ?1 AND device_id = ?2"
        " AND position > ?3 AND position <= ?4 ORDER BY position LIMIT ?5",
        {user.text(), device.text(), after, up_to, static_cast<std::int64_t>(limit)},
        [&](const Row& row) {
            messages.push_back({StreamPosition{row.integer(0)}, row.text(1)});
            return true;
        });
    return messages;
}

void DeviceInboxStore::acknowledge(const UserId& user,
                                   const DeviceId& device,
                                   StreamPosition up_to) {
    if (list(user, device, StreamPosition{}, up_to, 1).empty()) return;
    turns_.begin_unit();
    turns_.database().execute(
        "DELETE FROM device_messages WHERE user_id = ?1 AND device_id = ?2 AND position <= ?3",
        {user.text(), device.text(), up_to});
}

void DeviceInboxStore::remove(const UserId& user, const DeviceId& device) {
    turns_.begin_unit();
    turns_.database().execute("DELETE FROM device_messages WHERE user_id = ?1 AND device_id = ?2",
                              {user.text(), device.text()});
}

bool DeviceInboxStore::note_received(const ServerName& origin,
                                     std::string_view message_id,
                                     std::int64_t kept_max) {
    const StreamPosition position = turns_.next_position();
    turns_.database().execute(
        "INSERT INTO received_device_messages (origin, message_id, position) VALUES (?1, ?2, ?3)"
        " ON CONFLICT DO NOTHING",
        {origin.text(), message_id, position});
    if (turns_.database().changes() == 0) return false;
    turns_.database().execute(
        "DELETE FROM received_device_messages WHERE origin = ?1 AND position <="
        " (SELECT position FROM received_device_messages WHERE origin = ?1"
        " ORDER BY position DESC LIMIT 1 OFFSET ?2)",
        {origin.text(), kept_max});
    return true;
}

}  // namespace matrix::storage
