#include "refserver/storage/remote_devices.h"

#include "refserver/base/assert.h"

namespace matrix::storage {
namespace {

constexpr std::int64_t kUnknownStreamId = -1;

json::Object read_remote_keys(std::string_view text) {
    auto keys = json::parse(text, json::Numbers::Any);
    MATRIX_ASSERT(keys && keys->is_object());  // We wrote it.
    return std::move(*keys->if_object());
}

std::optional<json::Object> read_maybe_keys(const Row& row, int column) {
    if (row.is_null(column)) return std::nullopt;
    return read_remote_keys(row.view(column));
}

std::optional<std::string> write_maybe_keys(const std::optional<json::Object>& keys) {
    return keys ? std::optional(json::write(*keys)) : std::nullopt;
}

RemoteDeviceList read_list(const Row& row) {
    RemoteDeviceList list;
    if (row.integer(0) != kUnknownStreamId) list.stream_id = row.integer(0);
    list.is_stale = row.integer(1) != 0;
    list.master_key = read_maybe_keys(row, 2);
    list.self_signing_key = read_maybe_keys(row, 3);
    return list;
}

}  // namespace

std::optional<RemoteDeviceList> RemoteDeviceStore::find(const UserId& user) const {
    auto list = turns_.database().find(
        "SELECT stream_id, is_stale, master_key, self_signing_key FROM remote_device_lists"
        " WHERE user_id = ?1",
        {user.text()},
        read_list);
    if (!list) return std::nullopt;
    turns_.database().query(
        "SELECT device_id, keys, display_name FROM remote_devices WHERE user_id = ?1"
        " ORDER BY device_id",
        {user.text()},
        [&](const Row& row) {
            list->devices.push_back(
                {DeviceId(row.text(0)), read_remote_keys(row.view(1)), row.maybe_text(2)});
            return true;
        });
    return list;
}

void RemoteDeviceStore::put(const UserId& user, const RemoteDeviceList& list) {
    forget(user);
    turns_.database().execute(
        "INSERT INTO remote_device_lists"
        " (user_id, stream_id, is_stale, master_key, self_signing_key)"
        " VALUES (?1, ?2, ?3, ?4, ?5)",
        {user.text(),
         list.stream_id.value_or(kUnknownStreamId),
         list.is_stale,
         write_maybe_keys(list.master_key),
         write_maybe_keys(list.self_signing_key)});
    for (const DeviceWithKeys& device : list.devices)
        put_device(user, device);
}

void RemoteDeviceStore::forget(const UserId& user) {
    turns_.begin_unit();
    turns_.database().execute("DELETE FROM remote_devices WHERE user_id = ?1", {user.text()});
    turns_.database().execute("DELETE FROM remote_device_lists WHERE user_id = ?1", {user.text()});
}

void RemoteDeviceStore::put_device(const UserId& user, const DeviceWithKeys& device) {
    turns_.begin_unit();
    const std::string text = json::write(device.keys);
    turns_.database().execute(
        "INSERT INTO remote_devices (user_id, device_id, keys, display_name)"
        " VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE"
        " SET keys = excluded.keys, display_name = excluded.display_name",
        {user.text(), device.device.text(), text, device.display_name});
}

void RemoteDeviceStore::remove_device(const UserId& user, const DeviceId& device) {
    turns_.begin_unit();
    turns_.database().execute("DELETE FROM remote_devices WHERE user_id = ?1 AND device_id = ?2",
                              {user.text(), device.text()});
}

void RemoteDeviceStore::put_stream_id(const UserId& user, std::int64_t stream_id) {
    turns_.begin_unit();
    turns_.database().execute("UPDATE remote_device_lists SET stream_id = ?2 WHERE user_id = ?1",
                              {user.text(), stream_id});
}

void RemoteDeviceStore::put_signing_keys(const UserId& user,
                                         const std::optional<json::Object>& master_key,
                                         const std::optional<json::Object>& self_signing_key) {
    turns_.begin_unit();
    turns_.database().execute(
        "UPDATE remote_device_lists SET master_key = COALESCE(?2, master_key),"
        " self_signing_key = COALESCE(?3, self_signing_key) WHERE user_id = ?1",
        {user.text(), write_maybe_keys(master_key), write_maybe_keys(self_signing_key)});
}

void RemoteDeviceStore::mark_stale(const UserId& user) {
    turns_.begin_unit();
    turns_.database().execute("UPDATE remote_device_lists SET is_stale = 1 WHERE user_id = ?1",
                              {user.text()});
}

}  // namespace matrix::storage
