// SigningKeyStore: the seeds of this server's own keys.
#pragma once

#include <optional>
#include <string>

#include "refserver/protocol/identifiers.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

struct SigningKey {
    KeyId id;
    std::string seed;  ///< 32 bytes.
};

class SigningKeyStore {
public:
    explicit SigningKeyStore(Turns& turns) : turns_(turns) {}
    SigningKeyStore(const SigningKeyStore&) = delete;
    SigningKeyStore& operator=(const SigningKeyStore&) = delete;

    /// The key that signs now; nothing in a new database.
    std::optional<SigningKey> find_current();
    void insert(const SigningKey& key);

private:
    Turns& turns_;
};

}  // namespace matrix::storage
