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

}  // namespace matrix::storage
