// OpenID tokens: short-lived, to prove to a third party who somebody is.
//
// Kept as SHA-256, so that a stolen database proves nothing.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#openid
#pragma once

#include <cstdint>
#include <optional>

#include "refserver/protocol/identifiers.h"
#include "refserver/protocol/sha256.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

class OpenIdTokenStore {
public:
    explicit OpenIdTokenStore(Turns& turns) : turns_(turns) {}

    /// Whose the token is, unless it has expired by `now_ts`.
    std::optional<UserId> find_owner(const Sha256& token_hash, std::int64_t now_ts) const;
    /// The token is new.
    void insert(const Sha256& token_hash, const UserId& owner, std::int64_t expires_ts);
    void remove_expired(std::int64_t now_ts);

private:
    Turns& turns_;
};

}  // namespace matrix::storage
