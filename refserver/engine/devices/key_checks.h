// Whose keys are these, and who has signed them: what is asked before anything is published.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#uploading-keys and
//       https://spec.matrix.org/v1.19/client-server-api/#cross-signing
#pragma once

#include <string>
#include <string_view>

#include "refserver/engine/error.h"
#include "refserver/protocol/identifiers.h"
#include "refserver/protocol/signatures.h"

namespace matrix::engine {

/// A key that may have signed something.
struct SigningKey {
    UserId user;
    KeyId id;
    std::string public_key;  ///< Base64.
};

bool is_signed_by(const json::Object& object, const SigningKey& key, const Verifier& verifier);

/// Is it the same key? Its `signatures` and `unsigned` may be others.
bool is_same_but_for_signatures(json::Object one, json::Object other);

/// 400 unless the `DeviceKeys` are this device's, complete, and signed by the Ed25519 key among
/// them (M_INVALID_SIGNATURE).
Result<void> check_device_keys(const json::Object& keys,
                               const UserId& user,
                               const DeviceId& device,
                               const Verifier& verifier);
/// The public part of a `CrossSigningKey`: 400 unless it is of this user and for this usage.
/// Errors begin with `field`.
Result<std::string> check_signing_key(const json::Object& key,
                                      const UserId& user,
                                      std::string_view usage,
                                      const std::string& field);

}  // namespace matrix::engine
