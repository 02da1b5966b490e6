// DeviceListChanges: whose devices and keys look different to a user than they did at an earlier
// position of the stream, and whose he is told of no more.
//
// UNSPECIFIED: all rooms count, encrypted or not, because a room may be encrypted at any time.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#e2e-extensions-to-sync
#pragma once

#include <set>

#include "refserver/engine/devices/device_lists.h"
#include "refserver/engine/devices/published_keys.h"
#include "refserver/engine/rooms/rooms.h"

namespace matrix::engine {

class DeviceListChanges {
public:
    struct Services {
        Rooms& rooms;
        const PublishedKeys& keys;
        const DeviceLists& lists;
    };
    /// After `since` and up to `up_to`.
    DeviceListChanges(Services services, UserId user, StreamPosition since, StreamPosition up_to);

    /// Looks for who came and went in one of the user's rooms. To be called for each.
    void add_room(const MembershipChange& newest);
    /// The same of a room that he was in all the time, whose states are known.
    void add_states(const Room& room, const State& known, const State& end);
    /// A room that he has entered.
    void add_entered(const Room& room);

    bool is_empty() const { return changed_.empty() && left_.empty(); }
    /// `changed` and `left`, in the order of user ids.
    json::Object finish() const;

private:
    void add_come(const UserId& other);
    void add_gone(const UserId& other);

    Services services_;
    UserId user_;
    StreamPosition since_;
    StreamPosition up_to_;
    std::set<UserId> changed_;
    std::set<UserId> left_;
};

}  // namespace matrix::engine
