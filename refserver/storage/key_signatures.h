// KeySignatureStore: signatures by which users vouch for devices and master keys after these were
// uploaded.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#cross-signing
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

/// A key that can be signed.
struct SignedKey {
    UserId user;
    std::string key_id;  ///< A device id, or the public part of a cross-signing key.
};

struct KeySignature {
    UserId signer;
    KeyId signer_key;
    std::string signature;  ///< Base64.
};

class KeySignatureStore {
public:
    explicit KeySignatureStore(Turns& turns) : turns_(turns) {}

    /// What `signer` has put under a key, in the order of the signing keys.
    std::vector<KeySignature> list(const SignedKey& key, const UserId& signer) const;
    /// Returns the position at which the signer's syncs tell of it.
    StreamPosition put(const SignedKey& key, const KeySignature& signature);
    /// The key is gone or another: nobody has vouched for it.
    void remove_on(const SignedKey& key);
    /// A key of this user signs no longer.
    void remove_by(const UserId& signer, const KeyId& signer_key);
    /// Users whose keys `signer` signed after `after` and up to `up_to`.
    std::vector<UserId> list_signed_by(const UserId& signer,
                                       StreamPosition after,
                                       StreamPosition up_to) const;

private:
    Turns& turns_;
};

}  // namespace matrix::storage
