#include "refserver/storage/device_keys.h"

#include "refserver/base/assert.h"

namespace matrix::storage {
namespace {

constexpr std::string_view kDeviceColumns =
    "SELECT device_id, keys, display_name FROM device_keys LEFT JOIN devices"
    " USING (user_id, device_id) WHERE user_id = ?1";

json::Object read_keys(std::string_view text) {
    auto keys = json::parse(text, json::Numbers::Any);
    MATRIX_ASSERT(keys && keys->is_object());  // We wrote it.
    return std::move(*keys->if_object());
}

DeviceWithKeys read_device(const Row& row) {
    return {DeviceId(row.text(0)), read_keys(row.view(1)), row.maybe_text(2)};
}

}  // namespace

std::vector<DeviceWithKeys> DeviceKeyStore::list(const UserId& user) const {
    std::vector<DeviceWithKeys> devices;
    turns_.database().query(
        std::string(kDeviceColumns) + " ORDER BY device_id", {user.text()}, [&](const Row& row) {
            devices.push_back(read_device(row));
            return true;
        });
    return devices;
}

std::optional<DeviceWithKeys> DeviceKeyStore::find(const UserId& user,
                                                   const DeviceId& device) const {
    return turns_.database().find(std::string(kDeviceColumns) + " AND device_id = ?2",
                                  {user.text(), device.text()},
                                  read_device);
}

void DeviceKeyStore::put(const UserId& user, const DeviceId& device, const json::Object& keys) {
    turns_.begin_unit();
    const std::string text = json::write(keys);
    turns_.database().execute(
        "INSERT INTO device_keys (user_id, device_id, keys) VALUES (?1, ?2, ?3)"
        " ON CONFLICT DO UPDATE SET keys = excluded.keys",
        {user.text(), device.text(), text});
}

bool DeviceKeyStore::remove(const UserId& user, const DeviceId& device) {
    turns_.begin_unit();
    turns_.database().execute("DELETE FROM device_keys WHERE user_id = ?1 AND device_id = ?2",
                              {user.text(), device.text()});
    return turns_.database().changes() != 0;
}

}  // namespace matrix::storage
