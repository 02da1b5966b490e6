// PublishedKeys: the keys of our users as each may see them, with the signatures that are for his
// eyes.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#key-and-signature-security
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/protocol/json.h"
#include "refserver/storage/cross_signing_keys.h"
#include "refserver/storage/device_keys.h"
#include "refserver/storage/key_signatures.h"
#include "refserver/storage/turns.h"

namespace matrix::engine {

/// Who looks at keys: a user of ours, or (nothing) another server.
using KeyViewer = std::optional<UserId>;

class PublishedKeys {
public:
    explicit PublishedKeys(storage::Turns& turns)
        : device_keys_(turns), signing_keys_(turns), signatures_(turns) {}
    PublishedKeys(const PublishedKeys&) = delete;
    PublishedKeys& operator=(const PublishedKeys&) = delete;

    /// Those of a user's devices that have keys, without `unsigned`.
    std::vector<storage::DeviceWithKeys> list_devices(const UserId& user,
                                                      const KeyViewer& viewer) const;
    std::optional<storage::DeviceWithKeys> find_device(const UserId& user,
                                                       const DeviceId& device,
                                                       const KeyViewer& viewer) const;
    /// By device id, in the form of /keys/query; of all devices if `asked` is empty.
    json::Object find_devices(const UserId& user,
                              const std::vector<DeviceId>& asked,
                              const KeyViewer& viewer) const;
    std::optional<json::Object> find_signing_key(const UserId& user,
                                                 storage::CrossSigningUsage usage,
                                                 const KeyViewer& viewer) const;

    /// Users whose keys look different to `viewer` because of what he signed after `after`.
    std::vector<UserId> list_signed_by(const UserId& viewer,
                                       storage::StreamPosition after,
                                       storage::StreamPosition up_to) const {
        return signatures_.list_signed_by(viewer, after, up_to);
    }
    /// Takes away what `viewer` may not see of the signatures under a key of `user`, also one of
    /// another server, and adds what he or its owner put there later.
    void complete_signatures(json::Object& key,
                             const storage::SignedKey& signed_key,
                             const KeyViewer& viewer) const;

private:
    storage::DeviceKeyStore device_keys_;
    storage::CrossSigningKeyStore signing_keys_;
    storage::KeySignatureStore signatures_;
};

/// `DeviceKeys` with `unsigned`, where the name is told.
json::Object with_display_name(storage::DeviceWithKeys device);

/// The one public key of a `CrossSigningKey`; nothing if it is not of that form: exactly one
/// Ed25519 key of 32 bytes, which names itself.
std::optional<std::string> public_key_of(const json::Object& signing_key);

}  // namespace matrix::engine
