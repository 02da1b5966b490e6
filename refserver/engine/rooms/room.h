// Room: one room as this server knows it: its graph of events, their states, its extremities.
//
// All writing happens here, one event at a time, in the order of the spec's checks on receipt.
// Reading is synchronous: it comes from memory or from the database.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#pdus
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "refserver/engine/error.h"
#include "refserver/engine/rooms/event_checks.h"
#include "refserver/protocol/event.h"
#include "refserver/protocol/state.h"
#include "refserver/runtime/task.h"
#include "refserver/storage/event_store.h"
#include "refserver/storage/events.h"
#include "refserver/storage/turns.h"

namespace matrix::engine {

using runtime::Task;
using storage::EventStatus;
using storage::StoredEvent;
using storage::StoredEventPtr;
using storage::StreamPosition;
using storage::TimelinePoint;

struct RoomServices;  // What rooms need of the engine; see rooms.h.

/// An event that one of our users wants to send.
struct NewEvent {
    UserId sender;
    std::string type;
    std::optional<std::string> state_key;
    json::Object content;
    std::optional<EventId> redacts;
};

/// What became of a received event. A rejected or soft-failed one is stored, and never state.
struct Receipt {
    StoredEvent stored;
    bool is_new = true;  ///< False: it was known already.
};

enum class Direction { Backwards, Forwards };
struct TimelinePage {
    std::vector<StoredEvent> events;    ///< In the order of walking.
    std::optional<TimelinePoint> next;  ///< Nothing: this is the end of what we have.
};

class Room : public std::enable_shared_from_this<Room> {
public:
    const RoomId& id() const;
    const RoomRules& rules() const;

    // What is true now.
    const State& current_state() const;
    /// The event that the current state has under a key; null if there is none.
    EventPtr find_state(std::string_view type, std::string_view state_key) const;
    /// All of it in one turn, however large: what serves requests gathers it.
    std::vector<EventPtr> list_state() const;
    std::optional<Membership> membership(const UserId& user) const;
    std::vector<UserId> list_members(Membership membership) const;
    std::int64_t count_joined() const;
    /// In any state of the room. Costs what it differs from the current one.
    struct MemberCounts {
        std::int64_t joined = 0;
        std::int64_t invited = 0;
    };
    MemberCounts count_members(const State& state) const;
    /// Servers with a joined user, in the order of names.
    std::vector<ServerName> servers() const;
    bool is_server_joined(const ServerName& server) const;
    /// Does m.room.server_acl let this server take part?
    bool is_server_allowed(const ServerName& server) const;
    const std::vector<EventId>& extremities() const;
    /// What of the current state answers questions about levels, before an event exists.
    HeldAuthState power_levels() const;

    // Any event of this room, whatever became of it; nothing if it is unknown or of another room.
    StoredEventPtr find_event(const EventId& id) const;
    /// The state before an event and after it; nothing for outliers.
    std::optional<State> state_before(const EventId& id) const;
    std::optional<State> state_after(const EventId& id) const;
    std::vector<EventPtr> load_events(const State& state) const;
    /// Everything that `ids` cite, directly or not, without themselves; each once, in no order
    /// that means anything but the same each time.
    std::vector<EventPtr> auth_chain(const std::vector<EventId>& ids) const;

    // The same of so many events that they are read over several turns.
    /// The ids of a state: of all entries, or of those that are wanted.
    using IsWanted = std::function<bool(const StateKey&)>;
    Task<std::vector<EventId>> gather_ids(State state, IsWanted is_wanted = nullptr) const;
    Task<std::vector<EventPtr>> gather_events(std::vector<EventId> ids) const;
    /// Everything that `events` cite, without them unless they are cited.
    Task<std::vector<EventPtr>> gather_auth_chain(std::vector<EventPtr> events) const;

    /// May a user see the event? Of servers, see server_view.h.
    /// Spec: client-server-api, "Room history visibility".
    bool may_see(const UserId& user, const StoredEvent& event) const;

    // The timeline: accepted events that are not outliers.
    TimelinePage page(TimelinePoint from, Direction direction, std::size_t limit) const;
    TimelinePoint newest_point() const;
    /// By `origin_server_ts`: the events at and after `ts`, or at and before it, the nearest first.
    std::vector<StoredEvent> nearest_to(std::int64_t ts,
                                        Direction direction,
                                        std::size_t limit) const;
    /// The newest `limit` events in (after, up_to] by stream position, the oldest first, and
    /// whether there are older ones in between.
    struct Recent {
        std::vector<StoredEvent> events;
        bool is_limited = false;
    };
    Recent recent(StreamPosition after, StreamPosition up_to, std::size_t limit) const;
    /// The current state as a reader of everything up to `position` saw it.
    State state_at(StreamPosition position) const;
    /// Events by their position in the graph, for backfill: `ids` and what precedes them.
    std::vector<EventPtr> preceding(const std::vector<EventId>& ids, std::size_t limit) const;
    /// Spec: server-server-api, get_missing_events: breadth-first from `latest`, not into
    /// `earliest`.
    std::vector<EventPtr> missing_between(const std::vector<EventId>& earliest,
                                          const std::vector<EventId>& latest,
                                          std::size_t limit,
                                          std::int64_t min_depth) const;

    /// What precedes `events` and has no place here: where our part of the history ends.
    std::vector<EventId> list_missing_before(const std::vector<StoredEvent>& events) const;

    // Writing.

    /// Builds an event upon the extremities, with the auth events that the rules select, unsigned.
    /// `check_template` says whether the rules allow it.
    Result<EventTemplate> make_template(const NewEvent& event) const;
    /// 403 if a rule refuses the event on the current state. Signatures of other servers, which an
    /// event may need, are not asked for here.
    Result<void> check_template(const EventTemplate& event) const;
    /// Hashes and signs an event of ours, for those who need other servers' signatures besides
    /// before it is accepted (`accept_own`). 413 if it is too large.
    Result<Event> sign(const EventTemplate& event) const;

    /// Builds, signs, checks, stores, and hands on to the other servers. Fails with 403 if a rule
    /// refuses. Synchronous in effect: the event is stored when this returns, not yet durable.
    /// A room that uses a policy server refuses it: `submit` asks that server.
    Result<StoredEvent> send(const NewEvent& event);
    /// The same with the signature of the room's policy server, where there is one: what clients
    /// send. A refusal of the policy server is the error, as that server put it.
    Task<Result<StoredEvent>> submit(NewEvent event);
    /// An event of ours with the policy server's signature, if the room uses one and the event
    /// lacks it; whatever else is to happen with the event comes after this.
    Task<Result<Event>> ask_policy_server(Event event);
    /// The same from its checks on, for an event of ours that has all its signatures. The room may
    /// have moved on since it was built.
    Result<StoredEvent> accept_own(Event event);
    /// A peer's event, through all steps. Fetches what is missing before it. An error: the event
    /// was dropped (format, signatures, or what it needs could not be had); rejected and
    /// soft-failed ones are receipts.
    Task<Result<Receipt>> receive(json::Object pdu, ServerName from);
    /// The same for an event that is parsed and whose signatures and hash were verified.
    Task<Result<Receipt>> receive_verified(Event event, ServerName from);

    /// Asks the room's other servers for history: `missing`, which no place is known for, and what
    /// precedes them, some hundred events at most. True if some of `missing` is here now.
    Task<bool> backfill(std::vector<EventId> missing);
    /// The same for an event that is cited by one of `origin`, and that should have come by itself.
    Task<bool> fill_gap(EventId missing, ServerName origin);

    /// Asks again for the state before a placed event, which had holes. True if it has none now.
    Task<bool> complete_state(EventId at, ServerName origin);

    struct Data;  // See room_data.h.
    explicit Room(std::unique_ptr<Data> data);
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;
    ~Room();

private:
    friend class Rooms;
    friend class ServerView;
    /// What is in memory; read anew first if a failed commit made it wrong.
    Data& data() const;

    std::unique_ptr<Data> data_;
};

using RoomPtr = std::shared_ptr<Room>;

}  // namespace matrix::engine
