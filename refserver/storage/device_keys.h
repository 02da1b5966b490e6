// DeviceKeyStore: the identity keys of our users' devices, and the version of each user's list of
// devices.
//
// Keys are kept as they were uploaded; who may upload what is not decided here.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#key-algorithms
#pragma once

#include <cstdint>
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
    /// New keys of a device, or other ones: the list of devices has changed.
    void put(const UserId& user, const DeviceId& device, const json::Object& keys);
    /// No effect on the list if the device had none.
    void remove(const UserId& user, const DeviceId& device);
    void remove_all(const UserId& user);

    /// The number of the newest change of the user's list of devices and cross-signing keys; 0 if
    /// there was none. It grows with each change.
    StreamPosition list_version(const UserId& user) const;
    void mark_list_changed(const UserId& user);

private:
    Turns& turns_;
};

}  // namespace matrix::storage
