// DeviceKeyStore: the identity keys of our users' devices.
//
// Keys are kept as they were uploaded; who may upload what is not decided here. Whoever changes
// them advances the user's list of devices (device_lists.h).
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#key-algorithms
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/protocol/json.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

/// A device that has identity keys.
struct DeviceWithKeys {
    DeviceId device;
    json::Object keys;  ///< `DeviceKeys`, without `unsigned`.
    std::optional<std::string> display_name;
};

class DeviceKeyStore {
public:
    explicit DeviceKeyStore(Turns& turns) : turns_(turns) {}

    /// In the order of device ids; devices without keys are left out.
    std::vector<DeviceWithKeys> list(const UserId& user) const;
    std::optional<DeviceWithKeys> find(const UserId& user, const DeviceId& device) const;
    /// New keys of a device, or other ones.
    void put(const UserId& user, const DeviceId& device, const json::Object& keys);
    /// False: the device had none.
    bool remove(const UserId& user, const DeviceId& device);

private:
    Turns& turns_;
};

}  // namespace matrix::storage
