#include "refserver/storage/cross_signing_keys.h"

#include "refserver/base/assert.h"

namespace matrix::storage {

std::optional<json::Object> CrossSigningKeyStore::find(const UserId& user,
                                                       CrossSigningUsage usage) const {
    return turns_.database().find(
        "SELECT key FROM cross_signing_keys WHERE user_id = ?1 AND usage = ?2",
        {user.text(), static_cast<int>(usage)},
        [](const Row& row) {
            auto key = json::parse(row.view(0), json::Numbers::Any);
            MATRIX_ASSERT(key && key->is_object());  // We wrote it.
            return std::move(*key->if_object());
        });
}

void CrossSigningKeyStore::put(const UserId& user,
                               CrossSigningUsage usage,
                               const json::Object& key) {
    turns_.begin_unit();
    const std::string text = json::write(key);
    turns_.database().execute(
        "INSERT INTO cross_signing_keys (user_id, usage, key) VALUES (?1, ?2, ?3)"
        " ON CONFLICT DO UPDATE SET key = excluded.key",
        {user.text(), static_cast<int>(usage), text});
}

}  // namespace matrix::storage
