#include "refserver/storage/key_signatures.h"

namespace matrix::storage {

std::vector<KeySignature> KeySignatureStore::list(const SignedKey& key,
                                                  const UserId& signer) const {
    std::vector<KeySignature> signatures;
    turns_.database().query(
        "SELECT signer_key_id, signature FROM key_signatures"
        " WHERE user_id = ?1 AND key_id = ?2 AND signer = ?3 ORDER BY signer_key_id",
        {key.user.text(), key.key_id, signer.text()},
        [&](const Row& row) {
            signatures.push_back({signer, KeyId(row.text(0)), row.text(1)});
            return true;
        });
    return signatures;
}

StreamPosition KeySignatureStore::put(const SignedKey& key, const KeySignature& signature) {
    const StreamPosition position = turns_.next_position();
    turns_.database().execute(
        "INSERT INTO key_signatures"
        " (user_id, key_id, signer, signer_key_id, signature, position)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE"
        " SET signature = excluded.signature, position = excluded.position",
        {key.user.text(),
         key.key_id,
         signature.signer.text(),
         signature.signer_key.text(),
         signature.signature,
         position});
    return position;
}

void KeySignatureStore::remove_on(const SignedKey& key) {
    turns_.begin_unit();
    turns_.database().execute("DELETE FROM key_signatures WHERE user_id = ?1 AND key_id = ?2",
                              {key.user.text(), key.key_id});
}

void KeySignatureStore::remove_by(const UserId& signer, const KeyId& signer_key) {
    turns_.begin_unit();
    turns_.database().execute("DELETE FROM key_signatures WHERE signer = ?1 AND signer_key_id = ?2",
                              {signer.text(), signer_key.text()});
}

std::vector<UserId> KeySignatureStore::list_signed_by(const UserId& signer,
                                                      StreamPosition after,
                                                      StreamPosition up_to) const {
    std::vector<UserId> users;
    turns_.database().query(
        "SELECT DISTINCT user_id FROM key_signatures"
        " WHERE signer = ?1 AND position > ?2 AND position <= ?3 ORDER BY user_id",
        {signer.text(), after, up_to},
        [&](const Row& row) {
            users.emplace_back(row.text(0));
            return true;
        });
    return users;
}

}  // namespace matrix::storage
