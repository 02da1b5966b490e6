// DeviceLists: tells those whom it concerns that the devices or cross-signing keys of a user of
// ours changed: syncs here, and the servers that share a room with him.
//
// UNSPECIFIED: a list has the devices with identity keys alone, because /user/devices requires keys
// of each; one without keys is told of to nobody.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#device-management
#pragma once

#include <set>
#include <vector>

#include "refserver/engine/devices/published_keys.h"
#include "refserver/engine/notifier.h"
#include "refserver/engine/peers/outbox.h"
#include "refserver/engine/rooms/rooms.h"
#include "refserver/storage/device_lists.h"

namespace matrix::engine {

class DeviceLists {
public:
    struct Services {
        ServerName server_name;
        Rooms& rooms;
        Outbox& outbox;
        Notifier& notifier;
        storage::Turns& turns;
        const PublishedKeys& keys;
    };
    explicit DeviceLists(Services services)
        : services_(std::move(services)), lists_(services_.turns) {}
    DeviceLists(const DeviceLists&) = delete;
    DeviceLists& operator=(const DeviceLists&) = delete;

    // Call these after the change, in the same unit of work.

    /// Keys, name or signatures of a device of ours.
    void device_changed(const UserId& user, const DeviceId& device);
    /// It had keys.
    void device_removed(const UserId& user, const DeviceId& device);
    /// The master or self-signing key, or signatures on them.
    void signing_keys_changed(const UserId& user);
    /// Something that only the user himself sees.
    void own_view_changed(const UserId& user);
    /// A user of another server: his server said so.
    void remote_changed(const UserId& user);
    /// A user of ours has entered a room with these servers: those that are new to him learn that
    /// he has devices.
    void user_joined(const UserId& user, const RoomId& room, std::set<ServerName> servers);

    /// The version of a list of ours, as `m.device_list_update` counts.
    StreamPosition stream_id(const UserId& user) const { return lists_.stream_id(user); }
    StreamPosition changed_at(const UserId& user) const { return lists_.changed_at(user); }
    std::vector<UserId> list_changed(StreamPosition after, StreamPosition up_to) const {
        return lists_.list_changed(after, up_to);
    }

private:
    json::Object make_update(const UserId& user,
                             const DeviceId& device,
                             storage::DeviceListStore::Step step) const;
    std::vector<ServerName> list_servers(const UserId& user) const;
    void wake(const UserId& user, StreamPosition position);

    Services services_;
    storage::DeviceListStore lists_;
};

}  // namespace matrix::engine
