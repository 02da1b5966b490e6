// OneTimeKeyStore: keys that are given out once each, and the fallback keys for when there are none
// left.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#one-time-and-fallback-keys
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/protocol/json.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

struct OneTimeKey {
    std::string algorithm;  ///< For example "signed_curve25519".
    std::string id;
    json::Value key;  ///< A `KeyObject` or a string, as it was uploaded.
};

class OneTimeKeyStore {
public:
    explicit OneTimeKeyStore(Turns& turns) : turns_(turns) {}

    /// Adds what one upload brought, behind all that came before. A key whose id is known stays as
    /// it was.
    void add(const UserId& user, const DeviceId& device, const std::vector<OneTimeKey>& keys);
    /// A one-time key that has not been given out.
    std::optional<json::Value> find(const UserId& user,
                                    const DeviceId& device,
                                    const std::string& algorithm,
                                    const std::string& id) const;
    /// Replaces the fallback key of its algorithm.
    void put_fallback(const UserId& user, const DeviceId& device, const OneTimeKey& key);

    /// Takes the oldest one-time key of the algorithm out of the store; without one, the fallback
    /// key, which stays and counts as used from now on.
    std::optional<OneTimeKey> claim(const UserId& user,
                                    const DeviceId& device,
                                    const std::string& algorithm);

    /// How many one-time keys are left, by algorithm.
    std::map<std::string, std::int64_t> count(const UserId& user, const DeviceId& device) const;
    /// Algorithms whose fallback key has not been given out, in the order of names.
    std::vector<std::string> unused_fallbacks(const UserId& user, const DeviceId& device) const;

    void remove(const UserId& user, const DeviceId& device);

private:
    Turns& turns_;
};

}  // namespace matrix::storage
