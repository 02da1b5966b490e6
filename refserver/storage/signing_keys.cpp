#include "refserver/storage/signing_keys.h"

namespace matrix::storage {

std::optional<SigningKey> SigningKeyStore::find_current() {
    return turns_.database().find(
        "SELECT key_id, seed FROM signing_keys WHERE expired_ts IS NULL ORDER BY key_id LIMIT 1",
        {},
        [](const Row& row) { return SigningKey{.id = KeyId(row.text(0)), .seed = row.text(1)}; });
}

void SigningKeyStore::insert(const SigningKey& key) {
    turns_.begin_unit();
    turns_.database().execute("INSERT INTO signing_keys (key_id, seed) VALUES (?1, ?2)",
                              {key.id.view(), Binding::blob(key.seed)});
}

void SigningKeyStore::expire_current(std::int64_t expired_ts) {
    turns_.begin_unit();
    turns_.database().execute("UPDATE signing_keys SET expired_ts = ?1 WHERE expired_ts IS NULL",
                              {expired_ts});
}

std::vector<OldSigningKey> SigningKeyStore::list_old() {
    std::vector<OldSigningKey> keys;
    turns_.database().query(
        "SELECT key_id, seed, expired_ts FROM signing_keys WHERE expired_ts IS NOT NULL "
        "ORDER BY expired_ts, key_id",
        {},
        [&](const Row& row) {
            keys.push_back({.key = {.id = KeyId(row.text(0)), .seed = row.text(1)},
                            .expired_ts = row.integer(2)});
            return true;
        });
    return keys;
}

}  // namespace matrix::storage
