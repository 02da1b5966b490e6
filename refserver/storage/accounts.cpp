#include "refserver/storage/accounts.h"

namespace matrix::storage {

std::optional<Account> AccountStore::find(const UserId& user) const {
    return turns_.database().find(
        "SELECT password_hash, is_admin, is_deactivated FROM accounts WHERE user_id = ?1",
        {user.text()},
        [&](const Row& row) {
            return Account{user, row.maybe_text(0), row.integer(1) != 0, row.integer(2) != 0};
        });
}

void AccountStore::insert(const Account& account, std::int64_t created_ts) {
    turns_.begin_unit();
    turns_.database().execute(
        "INSERT INTO accounts (user_id, password_hash, is_admin, is_deactivated, created_ts)"
        " VALUES (?1, ?2, ?3, ?4, ?5)",
        {account.user.text(),
         account.password_hash,
         account.is_admin,
         account.is_deactivated,
         created_ts});
}

void AccountStore::put_device(const UserId& user,
                              const DeviceId& device,
                              const std::optional<std::string>& display_name) {
    turns_.begin_unit();
    turns_.database().execute(
        "INSERT INTO devices (user_id, device_id, display_name) VALUES (?1, ?2, ?3)"
        " ON CONFLICT DO NOTHING",
        {user.text(), device.text(), display_name});
}

std::vector<Device> AccountStore::list_devices(const UserId& user) const {
    std::vector<Device> devices;
    turns_.database().query(
        "SELECT device_id, display_name FROM devices WHERE user_id = ?1 ORDER BY device_id",
        {user.text()},
        [&](const Row& row) {
            devices.push_back({DeviceId(row.text(0)), row.maybe_text(1)});
            return true;
        });
    return devices;
}

std::optional<Device> AccountStore::find_device(const UserId& user, const DeviceId& device) const {
    return turns_.database().find(
        "SELECT display_name FROM devices WHERE user_id = ?1 AND device_id = ?2",
        {user.text(), device.text()},
        [&](const Row& row) { return Device{device, row.maybe_text(0)}; });
}

void AccountStore::put_display_name(const UserId& user,
                                    const DeviceId& device,
                                    std::string_view name) {
    turns_.begin_unit();
    turns_.database().execute(
        "UPDATE devices SET display_name = ?3 WHERE user_id = ?1 AND device_id = ?2",
        {user.text(), device.text(), name});
}

void AccountStore::remove_device(const UserId& user, const DeviceId& device) {
    remove_tokens(user, device);
    turns_.database().execute("DELETE FROM devices WHERE user_id = ?1 AND device_id = ?2",
                              {user.text(), device.text()});
}

void AccountStore::insert_token(const Sha256& token_hash,
                                const TokenOwner& owner,
                                std::int64_t created_ts) {
    turns_.begin_unit();
    turns_.database().execute(
        "INSERT INTO access_tokens (token_hash, user_id, device_id, created_ts)"
        " VALUES (?1, ?2, ?3, ?4)",
        {Binding::blob(view(token_hash)), owner.user.text(), owner.device.text(), created_ts});
}

std::optional<TokenOwner> AccountStore::find_token(const Sha256& token_hash) const {
    return turns_.database().find(
        "SELECT user_id, device_id, is_admin FROM access_tokens JOIN accounts USING (user_id)"
        " WHERE token_hash = ?1 AND is_deactivated = 0",
        {Binding::blob(view(token_hash))},
        [](const Row& row) {
            return TokenOwner{UserId(row.text(0)), DeviceId(row.text(1)), row.integer(2) != 0};
        });
}

void AccountStore::remove_tokens(const UserId& user, const DeviceId& device) {
    turns_.begin_unit();
    turns_.database().execute("DELETE FROM access_tokens WHERE user_id = ?1 AND device_id = ?2",
                              {user.text(), device.text()});
}

}  // namespace matrix::storage
