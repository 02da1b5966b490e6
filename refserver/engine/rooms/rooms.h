// Rooms: all rooms that this server knows, and what happens to them as a whole.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "refserver/engine/counters.h"
#include "refserver/engine/error.h"
#include "refserver/engine/rooms/dropped_events.h"
#include "refserver/engine/rooms/room.h"
#include "refserver/runtime/clock.h"
#include "refserver/runtime/executor.h"
#include "refserver/runtime/log.h"
#include "refserver/runtime/random.h"
#include "refserver/runtime/task_group.h"
#include "refserver/runtime/workers.h"
#include "refserver/storage/event_store.h"
#include "refserver/storage/room_store.h"
#include "refserver/storage/state_store.h"
#include "refserver/storage/unplaced_events.h"

namespace matrix::engine {

class FederationClient;
class KeyRing;
class Notifier;
class Outbox;
class PolicySigner;

/// Somebody has entered a room, or is not in it any more.
struct MemberChange {
    RoomId room;
    UserId user;
    bool is_joined = false;
    std::set<ServerName> servers = {};  ///< Of the room now; told of users of ours alone.
};
using WatchMembers = std::move_only_function<void(const MemberChange&)>;

/// What rooms need of the engine. All of it outlives them.
struct RoomServices {
    ServerName server_name;
    storage::Turns& turns;
    storage::EventStore& events;
    storage::StateStore& states;
    storage::RoomStore& rooms;
    storage::UnplacedEventStore& unplaced;
    runtime::Executor& executor;
    runtime::Clock& clock;
    runtime::RandomSource& random;
    runtime::Log& log;
    const Signer& signer;
    const Verifier& verifier;
    KeyRing& keys;
    FederationClient& federation;
    Outbox& outbox;
    Notifier& notifier;
    runtime::Workers& workers;
    Counters& counters;
    DroppedEvents& dropped;
    const PolicySigner* policy_signer = nullptr;  ///< Null: this server is no policy server.
    const storage::Watch* watch = nullptr;        ///< Null: nobody watches.
    WatchMembers watch_members = {};
    std::move_only_function<void()> retry_unplaced = {};  ///< Set by Rooms.
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
    ServerName resident;         ///< Who gave it.
    bool is_state_whole = true;  ///< False: some of it could not be verified.
    /// Of the user's newest membership when he wanted to join: if there is a newer one at the end,
    /// he has decided otherwise, and the room is not entered. Nothing: not looked at.
    std::optional<StreamPosition> known_at = std::nullopt;
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
using MembershipChange = storage::MembershipRow;

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
    DroppedEvents& dropped() { return services_.dropped; }
    /// How many rooms stay in memory while nobody uses them.
    static constexpr std::size_t kLoadedMax = 1000;

    /// A new room, all of whose first events are stored, or none.
    Result<RoomPtr> create(const NewRoom& room);
    /// Enters a room through another server: checks every event by the rules and stores all, in
    /// slices that nothing shows until the last. What the rules refuse is left out of the state;
    /// 403 if they refuse the join itself.
    Task<Result<RoomPtr>> enter(JoinedRoom joined);

    /// A user's rooms by membership, from this server's view, also where we only have an invite.
    std::vector<RoomId> list_rooms_of(const UserId& user, Membership membership) const;
    std::optional<Membership> membership(const RoomId& room, const UserId& user) const;
    /// Is there a room that both have joined?
    bool shares_room(const UserId& one, const UserId& other) const;
    /// From now on `watch` is called in each unit of work in which somebody joins or leaves, when
    /// all of it is written. There is one who watches.
    void watch_members(WatchMembers watch) { services_.watch_members = std::move(watch); }
    /// The newest membership of a user of ours in each room that ever had one, outliers included,
    /// in the order of room ids. What is not durable yet is included: readers compare positions.
    std::vector<MembershipChange> list_memberships(const UserId& user) const;
    /// The same, of changes after `after` and up to `up_to` alone: the newest of each room among
    /// them.
    std::vector<MembershipChange> membership_changes(const UserId& user,
                                                     StreamPosition after,
                                                     StreamPosition up_to) const;
    /// What a user of ours was in a room, as a reader of everything up to `position` saw it.
    std::optional<MembershipChange> membership_at(const RoomId& room,
                                                  const UserId& user,
                                                  StreamPosition position) const;
    /// The room is left out of syncs and refuses its history to this user until the next invite or
    /// join. Only for those who left or were banned.
    void forget(const RoomId& room, const UserId& user);

    /// Stores an invite (or a remote leave of it) for a room that we are not in.
    void put_outlier_membership(OutlierMembership membership);
    std::optional<OutlierMembership> find_outlier_membership(const RoomId& room,
                                                             const UserId& user) const;

    /// Goes on with the events of which an earlier process could not find the place.
    void resume() { retry_unplaced(); }
    /// How many events wait for what comes before them; they are tried again now and then.
    std::int64_t count_unplaced() const { return services_.unplaced.count(); }

private:
    // rooms_retries.cpp
    void retry_unplaced();
    Task<void> retry_all();
    Task<void> retry(storage::UnplacedEvent event);

    RoomPtr add(std::unique_ptr<Room::Data> data);
    Result<RoomPtr> finish_entering(storage::RoomNumber number,
                                    const EventPtr& join,
                                    const State& before,
                                    std::map<ServerName, std::size_t> joined_servers);
    void forget_unused();

    RoomServices services_;
    std::map<RoomId, RoomPtr> loaded_;
    /// Those that are being entered: one join after the other.
    std::map<RoomId, std::unique_ptr<runtime::Signal>> entering_;
    bool is_retrying_ = false;
    runtime::TaskGroup tasks_;  ///< Last: destroyed first.
};

}  // namespace matrix::engine
