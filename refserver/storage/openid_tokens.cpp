#include "refserver/storage/openid_tokens.h"

#include "refserver/storage/hash_column.h"

namespace matrix::storage {

std::optional<UserId> OpenIdTokenStore::find_owner(const Sha256& token_hash,
                                                   std::int64_t now_ts) const {
    return turns_.database().find(
        "SELECT user_id FROM openid_tokens WHERE token_hash = ?1 AND expires_ts > ?2",
        {Binding::blob(view(token_hash)), now_ts},
        [](const Row& row) { return UserId(row.text(0)); });
}

void OpenIdTokenStore::insert(const Sha256& token_hash,
                              const UserId& owner,
                              std::int64_t expires_ts) {
    turns_.begin_unit();
    turns_.database().execute("INSERT INTO openid_tokens VALUES (?1, ?2, ?3)",
                              {Binding::blob(view(token_hash)), owner.text(), expires_ts});
}

void OpenIdTokenStore::remove_expired(std::int64_t now_ts) {
    turns_.begin_unit();
    turns_.database().execute("DELETE FROM openid_tokens WHERE expires_ts <= ?1", {now_ts});
}

}  // namespace matrix::storage
