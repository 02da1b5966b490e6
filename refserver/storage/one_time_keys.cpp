#include "refserver/storage/one_time_keys.h"

#include "refserver/base/assert.h"

namespace matrix::storage {
namespace {

json::Value read_key(std::string_view text) {
    auto key = json::parse(text, json::Numbers::Any);
    MATRIX_ASSERT(key.has_value());  // We wrote it.
    return *std::move(key);
}

}  // namespace

void OneTimeKeyStore::add(const UserId& user,
                          const DeviceId& device,
                          const std::vector<OneTimeKey>& keys) {
    turns_.begin_unit();
    const std::int64_t upload =
        turns_.database()
            .find("SELECT MAX(upload) FROM one_time_keys WHERE user_id = ?1 AND device_id = ?2",
                  {user.text(), device.text()},
                  [](const Row& row) { return row.maybe_integer(0).value_or(0); })
            .value_or(0) +
        1;
    for (const OneTimeKey& key : keys) {
        const std::string text = json::write(key.key);
        turns_.database().execute(
            "INSERT INTO one_time_keys (user_id, device_id, algorithm, key_id, upload, key)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
            {user.text(), device.text(), key.algorithm, key.id, upload, text});
    }
}

std::optional<json::Value> OneTimeKeyStore::find(const UserId& user,
                                                 const DeviceId& device,
                                                 const std::string& algorithm,
                                                 const std::string& id) const {
    return turns_.database().find(
        "SELECT key FROM one_time_keys WHERE user_id = ?1 AND device_id = ?2"
        " AND algorithm = ?3 AND key_id = ?4",
        {user.text(), device.text(), algorithm, id},
        [](const Row& row) { return read_key(row.view(0)); });
}

void OneTimeKeyStore::put_fallback(const UserId& user,
                                   const DeviceId& device,
                                   const OneTimeKey& key) {
    turns_.begin_unit();
    const std::string text = json::write(key.key);
    turns_.database().execute(
        "INSERT INTO fallback_keys (user_id, device_id, algorithm, key_id, key)"
        " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE"
        " SET key_id = excluded.key_id, key = excluded.key, is_used = 0",
        {user.text(), device.text(), key.algorithm, key.id, text});
}

std::optional<OneTimeKey> OneTimeKeyStore::claim(const UserId& user,
                                                 const DeviceId& device,
                                                 const std::string& algorithm) {
    turns_.begin_unit();
    const auto read = [&](const Row& row) {
        return OneTimeKey{algorithm, row.text(0), read_key(row.view(1))};
    };
    auto key = turns_.database().find(
        "SELECT key_id, key FROM one_time_keys WHERE user_id = ?1 AND device_id = ?2"
        " AND algorithm = ?3 ORDER BY upload, key_id LIMIT 1",
        {user.text(), device.text(), algorithm},
        read);
    if (key) {
        turns_.database().execute(
            "DELETE FROM one_time_keys WHERE user_id = ?1 AND device_id = ?2"
            " AND algorithm = ?3 AND key_id = ?4",
            {user.text(), device.text(), algorithm, key->id});
        return key;
    }
    key = turns_.database().find(
        "SELECT key_id, key FROM fallback_keys WHERE user_id = ?1 AND device_id = ?2"
        " AND algorithm = ?3",
        {user.text(), device.text(), algorithm},
        read);
    if (key) {
        turns_.database().execute(
            "UPDATE fallback_keys SET is_used = 1 WHERE user_id = ?1 AND device_id = ?2"
            " AND algorithm = ?3",
            {user.text(), device.text(), algorithm});
    }
    return key;
}

std::map<std::string, std::int64_t> OneTimeKeyStore::count(const UserId& user,
                                                           const DeviceId& device) const {
    std::map<std::string, std::int64_t> counts;
    turns_.database().query(
        "SELECT algorithm, COUNT(*) FROM one_time_keys WHERE user_id = ?1 AND device_id = ?2"
        " GROUP BY algorithm",
        {user.text(), device.text()},
        [&](const Row& row) {
            counts.emplace(row.text(0), row.integer(1));
            return true;
        });
    return counts;
}

std::vector<std::string> OneTimeKeyStore::unused_fallbacks(const UserId& user,
                                                           const DeviceId& device) const {
    std::vector<std::string> algorithms;
    turns_.database().query(
        "SELECT algorithm FROM fallback_keys WHERE user_id = ?1 AND device_id = ?2"
        " AND is_used = 0 ORDER BY algorithm",
        {user.text(), device.text()},
        [&](const Row& row) {
            algorithms.push_back(row.text(0));
            return true;
        });
    return algorithms;
}

void OneTimeKeyStore::remove(const UserId& user, const DeviceId& device) {
    turns_.begin_unit();
    for (const std::string_view sql :
         {"DELETE FROM one_time_keys WHERE user_id = ?1 AND device_id = ?2",
          "DELETE FROM fallback_keys WHERE user_id = ?1 AND device_id = ?2"}) {
        turns_.database().execute(sql, {user.text(), device.text()});
    }
}

}  // namespace matrix::storage
