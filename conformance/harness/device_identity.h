// The keys of one device and of its owner, made and signed as a client does.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#key-algorithms
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "conformance/harness/http_client.h"
#include "refserver/protocol/signatures.h"

namespace matrix::conformance {

/// A device's Ed25519 identity.
class DeviceIdentity {
public:
    DeviceIdentity(UserId user, DeviceId device);

    const UserId& user() const { return user_; }
    const DeviceId& device() const { return device_; }
    const Signer& signer() const { return *signer_; }

    /// `DeviceKeys`, signed.
    Json device_keys() const;
    /// A `KeyObject` for `signed_curve25519`, signed; `text` makes it another than others.
    Json one_time_key(std::string_view text) const;
    Json fallback_key(std::string_view text) const;

private:
    UserId user_;
    DeviceId device_;
    std::unique_ptr<Signer> signer_;
};

/// A user's cross-signing keys.
class CrossSigningIdentity {
public:
    explicit CrossSigningIdentity(UserId user);

    const Signer& master() const { return *master_; }
    const Signer& self_signing() const { return *self_signing_; }
    const Signer& user_signing() const { return *user_signing_; }

    Json master_key() const;
    /// Signed by the master key.
    Json self_signing_key() const;
    Json user_signing_key() const;
    /// The body of /keys/device_signing/upload.
    Json upload() const;

private:
    UserId user_;
    std::unique_ptr<Signer> master_;
    std::unique_ptr<Signer> self_signing_;
    std::unique_ptr<Signer> user_signing_;
};

/// The public part of a signer's key: base64.
std::string public_key_text(const Signer& signer);
/// `key` without the signatures that it has, signed by `signer` as `user`.
Json signed_anew(Json key, const UserId& user, const Signer& signer);

}  // namespace matrix::conformance
