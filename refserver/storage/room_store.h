// RoomStore: the rooms themselves: their extremities, what their state was when, and who is what in
// them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "refserver/protocol/event_content.h"
#include "refserver/protocol/room_rules.h"
#include "refserver/storage/events.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

struct RoomRow {
    RoomNumber number;
    const RoomRules* rules = nullptr;
    State::Hash current_state{};
    std::vector<EventId> extremities;  ///< In the order of ids.
};

/// One change of the membership of a user of ours.
struct MembershipRow {
    RoomId room;
    Membership membership = Membership::Leave;
    EventId event;
    StreamPosition position;
    bool is_forgotten = false;
};

struct OutlierRow {
    std::string room_version;
    StreamPosition position;
    std::string text;            ///< The event.
    std::string stripped_state;  ///< A JSON array.
};

class RoomStore {
public:
    explicit RoomStore(Turns& turns) : turns_(turns) {}
    RoomStore(const RoomStore&) = delete;
    RoomStore& operator=(const RoomStore&) = delete;

    std::optional<RoomRow> find(const RoomId& room);
    std::vector<RoomId> list();
    RoomNumber create(const RoomId& room, const RoomRules& rules);
    /// The number of a room that is about to be entered, and until then not found: it has no state.
    RoomNumber find_or_create(const RoomId& room, const RoomRules& rules);

    void add_extremity(RoomNumber room, const EventId& id);
    void remove_extremity(RoomNumber room, const EventId& id);

    /// The current state from `position` on.
    void put_current_state(RoomNumber room, StreamPosition position, const State::Hash& root);
    /// What was current for a reader of everything up to `position`.
    std::optional<State::Hash> find_state_at(RoomNumber room, StreamPosition position);

    // Memberships in the current state, of all users.
    void put_membership(RoomNumber room,
                        const UserId& user,
                        Membership membership,
                        const EventId& event);
    void remove_membership(RoomNumber room, const UserId& user);
    std::optional<Membership> find_membership_of(RoomNumber room, const UserId& user);
    std::vector<UserId> list_members(RoomNumber room, Membership membership);
    std::int64_t count_members(RoomNumber room, Membership membership);
    /// Up to `count` members, and all counts of joined users; how many members there were.
    std::int64_t remove_some_members(RoomNumber room, std::size_t count);
    /// How many users of a server are joined; written beside the memberships.
    void put_joined_users(RoomNumber room, const ServerName& server, std::size_t users);
    std::map<ServerName, std::size_t> list_joined_servers(RoomNumber room);
    std::vector<RoomId> list_rooms_of(const UserId& user, Membership membership);
    /// Is there a room that both have joined?
    bool shares_room(const UserId& one, const UserId& other);

    // The changes of the memberships of our own users.
    void add_change(const UserId& user, const MembershipRow& change);
    /// The newest change in each room after `after` and up to `up_to`, in the order of room ids.
    std::vector<MembershipRow> list_changes(const UserId& user,
                                            StreamPosition after,
                                            StreamPosition up_to);
    /// The newest change of one room up to `up_to`.
    std::optional<MembershipRow> find_change(const UserId& user,
                                             const RoomId& room,
                                             StreamPosition up_to);
    /// Did the user become `membership` after `after`?
    bool has_change_to(const UserId& user,
                       const RoomId& room,
                       Membership membership,
                       StreamPosition after);
    void mark_forgotten(const UserId& user, const RoomId& room);

    void put_outlier(const UserId& user, const RoomId& room, const OutlierRow& outlier);
    std::optional<OutlierRow> find_outlier(const UserId& user, const RoomId& room);

private:
    /// Also of a room that has no state yet.
    std::optional<RoomNumber> find_number(const RoomId& room);

    Turns& turns_;
};

}  // namespace matrix::storage
