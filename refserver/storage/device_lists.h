// DeviceListStore: when the devices and cross-signing keys of each user last changed, of our users
// and of others of whom we are told.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#device-management
#pragma once

#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

class DeviceListStore {
public:
    explicit DeviceListStore(Turns& turns) : turns_(turns) {}

    /// The `stream_id` of the newest change of a user's devices; 0 if there was none.
    StreamPosition stream_id(const UserId& user) const;

    /// One step of the sequence of a user's changes.
    struct Step {
        StreamPosition stream_id;
        StreamPosition previous;  ///< 0: this is the first.
    };
    /// The devices of a user of ours change in this unit of work.
    Step advance(const UserId& user);
    /// Something else that syncs tell of changed: cross-signing keys, or what another server told.
    StreamPosition mark_changed(const UserId& user);

    /// When anything of it last changed; 0: never.
    StreamPosition changed_at(const UserId& user) const;
    /// Users of whom something changed after `after` and up to `up_to`, in the order of changes:
    /// each at its newest change alone.
    std::vector<UserId> list_changed(StreamPosition after, StreamPosition up_to) const;

private:
    Turns& turns_;
};

}  // namespace matrix::storage
