// The answer to a sync: what is new for one device between two positions of the stream.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "refserver/engine/client/device_list_changes.h"
#include "refserver/engine/client/event_filter.h"
#include "refserver/engine/client/sync_room.h"
#include "refserver/engine/ephemeral/presence.h"
#include "refserver/engine/ephemeral/receipts.h"
#include "refserver/engine/ephemeral/typing.h"
#include "refserver/engine/rooms/rooms.h"
#include "refserver/storage/account_data.h"
#include "refserver/storage/one_time_keys.h"

namespace matrix::engine {

class Devices;

struct SyncWish {
    std::optional<StreamPosition> since;
    SyncFilter filter;
    runtime::Duration timeout;
    bool is_full_state = false;
    bool uses_state_after = false;
};

/// The messages to a device that one answer holds, the oldest first, and up to where it goes.
struct WaitingMessages {
    StreamPosition up_to;
    std::vector<std::string> texts = {};
};

class SyncAnswer {
public:
    struct Services {
        Rooms& rooms;
        const storage::ClientTransactionStore& transactions;
        const storage::AccountDataStore& account_data;
        const storage::OneTimeKeyStore& one_time_keys;
        const Typing& typing;
        const Receipts& receipts;
        const Presence& presence;
        const Devices& devices;
        runtime::Timestamp now;
    };
    SyncAnswer(Services services,
               const Requester& requester,
               const SyncWish& wish,
               WaitingMessages messages);

    bool is_empty() const;
    std::string write() const;
    /// Those whose changes the next sync would tell.
    const std::vector<RoomId>& joined_rooms() const { return joined_rooms_; }

private:
    void add(const MembershipChange& change);
    void add_joined(const RoomPtr& room, const MembershipChange& change);
    void add_left(const RoomPtr& room, const MembershipChange& change);
    void add_outlier_left(const MembershipChange& change);
    void add_pending(const MembershipChange& change);
    bool is_news(const MembershipChange& change) const;
    RoomSyncWish room_wish(StreamPosition up_to) const;
    void add_presence();
    std::vector<std::string> list_ephemeral(const RoomId& room,
                                            std::optional<StreamPosition> since) const;
    std::vector<std::string> list_account_data(const RoomId& room,
                                               std::optional<StreamPosition> since) const;

    Services services_;
    const Requester& requester_;
    const SyncWish& wish_;
    StreamPosition up_to_;
    std::vector<std::string> messages_;
    std::optional<DeviceListChanges> device_lists_;  ///< Of incremental syncs alone.
    std::vector<RoomId> joined_rooms_;
    std::vector<RoomId> new_rooms_;  ///< Joined since an earlier sync.
    std::vector<std::string> presence_;
    ObjectWriter join_;
    ObjectWriter invite_;
    ObjectWriter knock_;
    ObjectWriter leave_;
};

}  // namespace matrix::engine
