// Notifier: wakes the syncs of those whom a change concerns, when the change is durable.
//
// Parked syncs are indexed by user and by room; a change wakes only those that wait for it.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/runtime/clock.h"
#include "refserver/runtime/completion.h"
#include "refserver/runtime/task.h"
#include "refserver/storage/turns.h"

namespace matrix::engine {

class Notifier {
public:
    Notifier(storage::Turns& turns, runtime::Clock& clock);
    Notifier(const Notifier&) = delete;
    Notifier& operator=(const Notifier&) = delete;

    /// Something in the room became visible to its members (in this unit of work).
    void room_changed(const RoomId& room, storage::StreamPosition position);
    /// Something became visible to this user alone: an invite, a membership, account data.
    void user_changed(const UserId& user, storage::StreamPosition position);

    /// A user has joined a room (in this unit of work); told to whoever asked for it.
    void member_joined(const RoomId& room, const UserId& user) {
        if (on_join_) on_join_(room, user);
    }
    void on_join(std::function<void(const RoomId&, const UserId&)> callback) {
        on_join_ = std::move(callback);
    }

    /// Waits until a change that concerns `user` or one of `rooms` after `since` is durable, or for
    /// `timeout`. True: something changed.
    runtime::Task<bool> wait(UserId user,
                             std::vector<RoomId> rooms,
                             storage::StreamPosition since,
                             runtime::Duration timeout);

    std::size_t parked() const;

private:
    struct Parked;
    void wake();
    bool has_changed(const UserId& user,
                     const std::vector<RoomId>& rooms,
                     storage::StreamPosition since) const;

    storage::Turns& turns_;
    runtime::Clock& clock_;
    std::map<RoomId, storage::StreamPosition> rooms_;  ///< The newest change of each.
    std::map<UserId, storage::StreamPosition> users_;
    std::function<void(const RoomId&, const UserId&)> on_join_;
    std::set<RoomId> fresh_rooms_;  ///< Changed, and nobody woken yet.
    std::set<UserId> fresh_users_;
    // Numbers, not pointers, so that the order of waking is the order of parking.
    std::map<std::uint64_t, Parked*> parked_;
    std::map<RoomId, std::set<std::uint64_t>> parked_by_room_;
    std::map<UserId, std::set<std::uint64_t>> parked_by_user_;
    std::uint64_t next_parked_ = 0;
};

}  // namespace matrix::engine
