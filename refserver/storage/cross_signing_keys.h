// CrossSigningKeyStore: the keys with which users vouch for their devices and for each other.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#cross-signing
#pragma once

#include <optional>

#include "refserver/protocol/identifiers.h"
#include "refserver/protocol/json.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

enum class CrossSigningUsage { Master, SelfSigning, UserSigning };

class CrossSigningKeyStore {
public:
    explicit CrossSigningKeyStore(Turns& turns) : turns_(turns) {}

    /// A `CrossSigningKey` as it was uploaded.
    std::optional<json::Object> find(const UserId& user, CrossSigningUsage usage) const;
    /// Replaces the one that there was. The caller marks the list of devices as changed, which
    /// covers these keys.
    void put(const UserId& user, CrossSigningUsage usage, const json::Object& key);

private:
    Turns& turns_;
};

}  // namespace matrix::storage
