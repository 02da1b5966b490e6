// RemoteDevices: the devices and keys of users of other servers: asked for, kept while a room is
// shared with them, and kept up to date by what their servers tell.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#device-management
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "refserver/engine/devices/device_lists.h"
#include "refserver/engine/devices/published_keys.h"
#include "refserver/engine/error.h"
#include "refserver/engine/rooms/rooms.h"
#include "refserver/runtime/clock.h"
#include "refserver/runtime/log.h"
#include "refserver/runtime/task.h"
#include "refserver/runtime/task_group.h"
#include "refserver/storage/remote_devices.h"

namespace matrix::engine {

class FederationClient;

/// Of one user, the devices that are asked for; an empty list is all of them.
struct DeviceQuery {
    UserId user;
    std::vector<DeviceId> devices;
};

/// What one server answers for its users.
struct QueriedKeys {
    json::Object device_keys;
    json::Object master_keys;
    json::Object self_signing_keys;
    std::optional<Error> failure;  ///< Of those whom we had to ask for.
};

class RemoteDevices {
public:
    struct Services {
        ServerName server_name;
        Rooms& rooms;
        DeviceLists& lists;
        const PublishedKeys& keys;
        FederationClient& federation;
        storage::Turns& turns;
        runtime::Clock& clock;
        runtime::Log& log;
    };
    explicit RemoteDevices(Services services)
        : services_(std::move(services)), store_(services_.turns) {}
    RemoteDevices(const RemoteDevices&) = delete;
    RemoteDevices& operator=(const RemoteDevices&) = delete;

    /// Keys of users of `server` as `viewer` may see them: what we know where it is up to date, the
    /// rest from the server itself.
    Task<QueriedKeys> query(ServerName server,
                            std::vector<DeviceQuery> queries,
                            UserId viewer,
                            runtime::Duration timeout);
    /// The master key of a user of another server, as far as it is known here.
    std::optional<json::Object> find_master_key(const UserId& user) const;

    // The contents of EDUs: refused unless they are about a user of the origin.

    Result<void> take_update(const json::Object& content, const ServerName& origin);
    Result<void> take_signing_keys(const json::Object& content, const ServerName& origin);

    // Nobody tells us of changes any more, or perhaps not: what is known is forgotten.

    void user_left(const UserId& user);
    void room_left(const RoomId& room);

    /// Where tasks live that may outlast their caller.
    runtime::TaskGroup& tasks() { return tasks_; }

private:
    struct Update;
    Result<Update> parse_update(const json::Object& content, const ServerName& origin) const;
    /// Is the user in a room with us? Only then are we told of changes.
    bool is_tracked(const UserId& user) const;
    void apply(const Update& update);
    void add_known(const DeviceQuery& query,
                   const UserId& viewer,
                   const storage::RemoteDeviceList& list,
                   QueriedKeys& into) const;
    void start_resync(const UserId& user);
    Task<void> resync(UserId user);
    Task<Result<storage::RemoteDeviceList>> fetch_list(UserId user);

    Services services_;
    storage::RemoteDeviceStore store_;
    std::set<UserId> resyncing_;
    runtime::TaskGroup tasks_;  ///< Last: destroyed first.
};

}  // namespace matrix::engine
