// SigningKeyStore: the seeds of this server's own keys.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

struct SigningKey {
    KeyId id;
    std::string seed;  ///< 32 bytes.
};

/// A key that signs no more, and vouches for what it signed until then.
struct OldSigningKey {
    SigningKey key;
    std::int64_t expired_ts = 0;  ///< Milliseconds.
};

class SigningKeyStore {
public:
    explicit SigningKeyStore(Turns& turns) : turns_(turns) {}
    SigningKeyStore(const SigningKeyStore&) = delete;
    SigningKeyStore& operator=(const SigningKeyStore&) = delete;

    /// The key that signs now; nothing in a new database.
    std::optional<SigningKey> find_current();
    void insert(const SigningKey& key);
    /// The key that signs now signs no more from this time on.
    void expire_current(std::int64_t expired_ts);
    /// The one that expired first comes first.
    std::vector<OldSigningKey> list_old();

private:
    Turns& turns_;
};

}  // namespace matrix::storage
