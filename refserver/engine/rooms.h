// Rooms: all rooms that this server knows, and what happens to them as a whole.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "refserver/engine/counters.h"
#include "refserver/engine/error.h"
#include "refserver/engine/room.h"

namespace matrix::runtime {
class Clock;
class RandomSource;
class Log;
}  // namespace matrix::runtime

namespace matrix::engine {

class FederationClient;
class KeyRing;
class Notifier;
class Outbox;

/// What rooms need of the engine. All of it outlives them.
struct RoomServices {
    ServerName server_name;
    storage::Turns& turns;
    storage::EventStore& events;
    runtime::Clock& clock;
    runtime::RandomSource& random;
    runtime::Log& log;
    const Signer& signer;
    const Verifier& verifier;
    KeyRing& keys;
    FederationClient& federation;
    Outbox& outbox;
    Notifier& notifier;
    Counters& counters;
};

/// The first events of a room, in order; the room's id is made here.
struct NewRoom {
    std::string version;
    UserId creator;
    json::Object create_content;   ///< Without `creator` and `room_version`, which are added.
    std::vector<NewEvent> events;  ///< After the create event; the creator's join is the first.
};

/// What send_join answered: everything that one needs to be in the room.
struct JoinedRoom {
    EventPtr join;
    std::vector<Event> state;  ///< Before the join; signatures verified.
    std::vector<Event> auth_chain;
};

/// A room that we are invited to or knock on, and do not know otherwise.
struct OutlierMembership {
    RoomId room;
    UserId user;
    EventPtr event;
    json::Array stripped_state;
    StreamPosition position;  ///< Given by `put_outlier_membership`.
};

/// Of a user in a room: position and event of the newest membership; what syncs start from.
struct MembershipChange {
    RoomId room;
    Membership membership;
    EventId event;
    StreamPosition position;
    bool is_forgotten = false;  ///< By its user, since the membership became what it is.
};

class Rooms {
public:
    explicit Rooms(RoomServices services);
    Rooms(const Rooms&) = delete;
    Rooms& operator=(const Rooms&) = delete;
    ~Rooms();

    /// 404 if this server is not and was never in the room.
    Result<RoomPtr> find(const RoomId& room);
    /// Rooms with a joined user of ours, and those we were in.
    std::vector<RoomId> list() const;

    /// A new room, all of whose first events are stored, or none.
    Result<RoomPtr> create(const NewRoom& room);
    /// Enters a room through another server: checks every event by the rules and stores all.
    Result<RoomPtr> enter(const JoinedRoom& joined);

    /// A user's rooms by membership, from this server's view, also where we only have an invite.
    std::vector<RoomId> list_rooms_of(const UserId& user, Membership membership) const;
    std::optional<Membership> membership(const RoomId& room, const UserId& user) const;
    /// The newest membership of a user of ours in each room that ever had one, outliers included,
    /// in the order of room ids. What is not durable yet is included: readers compare positions.
    std::vector<MembershipChange> list_memberships(const UserId& user) const;
    /// The room is left out of syncs and refuses its history to this user until the next invite or
    /// join. Only for those who left or were banned.
    void forget(const RoomId& room, const UserId& user);

    /// Stores an invite (or a remote leave of it) for a room that we are not in.
    void put_outlier_membership(OutlierMembership membership);
    std::optional<OutlierMembership> find_outlier_membership(const RoomId& room,
                                                             const UserId& user) const;

private:
    RoomServices services_;
    std::map<RoomId, RoomPtr> loaded_;
};

}  // namespace matrix::engine
