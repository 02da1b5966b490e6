// RemoteDeviceStore: what is known of the devices of users of other servers.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#device-management
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/protocol/json.h"
#include "refserver/storage/device_keys.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

/// A user's devices and keys at one point of their history.
struct RemoteDeviceList {
    std::optional<std::int64_t> stream_id;  ///< Nothing: the answer that brought it had none.
    bool is_stale = false;                  ///< Something was missed since.
    std::optional<json::Object> master_key;
    std::optional<json::Object> self_signing_key;
    std::vector<DeviceWithKeys> devices;
};

class RemoteDeviceStore {
public:
    explicit RemoteDeviceStore(Turns& turns) : turns_(turns) {}

    /// Nothing: this user is not kept track of.
    std::optional<RemoteDeviceList> find(const UserId& user) const;
    /// Replaces all that is known.
    void put(const UserId& user, const RemoteDeviceList& list);
    void forget(const UserId& user);

    // Changes of a list that is there.

    void put_device(const UserId& user, const DeviceWithKeys& device);
    void remove_device(const UserId& user, const DeviceId& device);
    void put_stream_id(const UserId& user, std::int64_t stream_id);
    /// An absent key stays as it was.
    void put_signing_keys(const UserId& user,
                          const std::optional<json::Object>& master_key,
                          const std::optional<json::Object>& self_signing_key);
    void mark_stale(const UserId& user);

private:
    Turns& turns_;
};

}  // namespace matrix::storage
