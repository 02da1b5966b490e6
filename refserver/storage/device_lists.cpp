#include "refserver/storage/device_lists.h"

namespace matrix::storage {

StreamPosition DeviceListStore::stream_id(const UserId& user) const {
    return turns_.database()
        .find("SELECT stream_id FROM device_lists WHERE user_id = ?1",
              {user.text()},
              [](const Row& row) { return StreamPosition{row.integer(0)}; })
        .value_or(StreamPosition{});
}

StreamPosition DeviceListStore::changed_at(const UserId& user) const {
    return turns_.database()
        .find("SELECT position FROM device_lists WHERE user_id = ?1",
              {user.text()},
              [](const Row& row) { return StreamPosition{row.integer(0)}; })
        .value_or(StreamPosition{});
}

DeviceListStore::Step DeviceListStore::advance(const UserId& user) {
    const Step step{.stream_id = turns_.next_position(), .previous = stream_id(user)};
    turns_.database().execute(
        "INSERT INTO device_lists (user_id, position, stream_id) VALUES (?1, ?2, ?2)"
        " ON CONFLICT DO UPDATE SET position = ?2, stream_id = ?2",
        {user.text(), step.stream_id});
    return step;
}

StreamPosition DeviceListStore::mark_changed(const UserId& user) {
    const StreamPosition position = turns_.next_position();
    turns_.database().execute(
        "INSERT INTO device_lists (user_id, position) VALUES (?1, ?2)"
        " ON CONFLICT DO UPDATE SET position = ?2",
        {user.text(), position});
    return position;
}

std::vector<UserId> DeviceListStore::list_changed(StreamPosition after,
                                                  StreamPosition up_to) const {
    std::vector<UserId> users;
    turns_.database().query(
        "SELECT user_id FROM device_lists WHERE position > ?1 AND position <= ?2"
        " ORDER BY position",
        {after, up_to},
        [&](const Row& row) {
            users.emplace_back(row.text(0));
            return true;
        });
    return users;
}

}  // namespace matrix::storage
