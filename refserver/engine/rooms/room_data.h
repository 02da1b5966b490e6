// What a room is made of: for the files that implement Room and Rooms alone.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "refserver/engine/rooms/event_checks.h"
#include "refserver/engine/rooms/event_making.h"
#include "refserver/engine/rooms/event_order.h"
#include "refserver/engine/rooms/receive_queue.h"
#include "refserver/engine/rooms/room.h"
#include "refserver/engine/rooms/rooms.h"
#include "refserver/protocol/policy_server.h"
#include "refserver/protocol/state_resolver.h"
#include "refserver/storage/lru_map.h"

namespace matrix::engine {

// What is fetched from one peer for one event, at most.
inline constexpr std::size_t kGapRoundsMax = 10;        ///< Questions for missing events.
inline constexpr std::int64_t kGapEventsPerRound = 50;  ///< Asked for in one question.
inline constexpr std::size_t kGapEventsMax = 300;
inline constexpr std::size_t kGapServersMax = 4;           ///< Asked for missing events.
inline constexpr std::size_t kAuthEventsFetchedMax = 100;  ///< One by one.
inline constexpr std::size_t kStateEventsOneByOneMax = 20;
inline constexpr std::size_t kStateEventsMax = 200'000;
inline constexpr std::size_t kAuthChainMax = 400'000;

// What is fetched at a time of the history before ours.
inline constexpr std::int64_t kBackfillEventsMax = 100;
inline constexpr std::size_t kBackfillTipsMax = 20;   ///< Unknown events that are asked for.
inline constexpr std::size_t kBackfillStatesMax = 5;  ///< Of events above a hole.
inline constexpr std::size_t kBackfillServersMax = 3;
/// How often more is fetched for one gap in what we have lived through.
inline constexpr int kGapFillRoundsMax = 3;
/// What no server gave is not asked for again so soon.
inline constexpr std::int64_t kBackfillAgainMs = 10 * 60 * 1000;

/// More extremities than these are brought together by an event of ours.
inline constexpr std::size_t kExtremitiesMax = 20;
/// How many of our users are tried for that.
inline constexpr std::size_t kMergersTriedMax = 10;
/// A policy server that does not sign such an event is not asked for another one so soon.
inline constexpr std::int64_t kMergeAgainMs = 10 * 60 * 1000;
/// The type of such events, as other servers name them; no client is shown one.
inline constexpr std::string_view kMergeEventType = "org.matrix.dummy_event";

/// How many soft-failed and rejected events are looked through for what lies behind them.
inline constexpr std::size_t kHiddenEventsMax = 1000;

/// Rows that are written in one turn: a millisecond or two.
inline constexpr std::size_t kRowsPerSlice = 32;

/// Who brings an event to its place.
enum class EventOrigin {
    Own,
    Peer,
    History,  ///< From before what is here: neither the current state nor syncs notice.
};

/// A state as another server has it.
struct GivenState {
    State state;
    std::size_t missing_count = 0;  ///< Its events that nobody gave, or that lack a known key.
};

struct Room::Data {
    Data(RoomServices& services_, RoomId id_, storage::RoomRow row);
    Data(const Data&) = delete;
    Data& operator=(const Data&) = delete;

    // room.cpp: memory and storage.

    /// Reads again what a failed commit made wrong.
    void refresh();
    bool load(const storage::RoomRow& row);
    Result<void> check_is_stored() const;
    auth::CitedEvent find_cited(const EventId& id) const;
    FindEvent finder() const;
    EventPtr create() const;
    CheckContext checks() const;
    /// Of this room, whatever became of it.
    StoredEventPtr find_event(const EventId& id) const;
    /// The same with a place in the graph.
    StoredEventPtr find_placed(const EventId& id) const;
    /// How many users of each server are joined.
    std::map<ServerName, std::size_t>& joined_servers();

    // room_resolution.cpp

    State resolve_states(const std::vector<State>& states);
    /// Looks up, over as many turns as it takes, what the resolution of the states after some
    /// events will ask for, and of `besides` if there is one. Afterwards the room may have changed.
    Task<void> prepare_resolution(std::vector<EventId> ids,
                                  std::optional<State> besides = std::nullopt);
    /// Call when a known event was redacted, or is rejected no longer, or is now.
    void event_changed(const EventId& id);
    /// The state after several events; nothing if one of them has no place in the graph.
    std::optional<State> state_after_all(const std::vector<EventId>& ids);
    /// Those that are known.
    std::vector<State> list_states_after(const std::vector<EventId>& ids) const;

    // room_place.cpp

    /// Stores an event that has found its place, with everything that follows from it.
    StoredEvent place(EventPtr event,
                      const State& before,
                      const Judgement& judgement,
                      EventOrigin origin);
    void advance(const Event& event, const State& after, StreamPosition position);
    void retire_extremities(const Event& event);
    void change_extremities(const std::vector<EventId>& next);
    void change_current(const State& next, StreamPosition position);
    /// Tells whether somebody came in or went.
    std::optional<MemberChange> change_member(const StateDifference& difference,
                                              StreamPosition position);
    void tell_watcher(std::vector<MemberChange> changes);
    bool is_cited_by_accepted(const EventId& id) const;

    // room_gather.cpp

    /// Lets others work before the caller goes on.
    runtime::Completion<bool> end_turn() const;
    Task<std::vector<EventId>> gather_unknown(std::vector<EventId> ids) const;

    // room_import.cpp

    /// Makes a state that is stored, with its members, the current one, after no event at all.
    void adopt(const State& state, std::map<ServerName, std::size_t> joined);
    /// The same for a room with a state of old: only what differs is written.
    void adopt_again(const State& state);

    // room_redaction.cpp

    /// True if the redaction may be shown to clients: it was applied, or there is nothing to apply.
    bool apply_redaction(const Event& redaction, const State& before);
    bool may_apply(const Event& redaction, const State& before, const Event& target) const;
    void apply_early_redactions(const EventId& target);

    // room_acl.cpp

    bool is_server_allowed(const ServerName& server);

    // room_send.cpp

    std::vector<EventPtr> choose_prev_events() const;
    Result<EventTemplate> make_template(const NewEvent& event);
    Result<StoredEvent> accept_own(Event event);
    /// Keeps the extremities from growing where other servers never cite each other's events.
    Task<void> merge_extremities();
    /// With the policy server's signature, where the room uses one.
    Task<Result<Event>> complete_merge(Event event);

    // room_receive.cpp

    Task<Result<Event>> verify(json::Object pdu) const;
    Task<Result<Receipt>> receive_in_turn(Event event, ServerName from);
    Task<Result<Receipt>> find_place(Event event, ServerName from);
    /// The same, and bounds the extremities afterwards.
    Task<Result<Receipt>> place_and_merge(Event event, ServerName from);
    /// Counts it, and logs what was refused.
    void note_judgement(const Event& event,
                        const Judgement& judgement,
                        const ServerName& from) const;

    Result<void> check_id_is_free(const EventId& event_id) const;
    /// A room has one create event.
    Result<void> check_is_only_create(const Event& event) const;

    // rooms_retries.cpp

    /// An event that nobody could be asked about waits, to be tried again.
    void keep_unplaced(const Event& event, const ServerName& from, const Error& why);
    /// The same of what an event cites that was placed without it.
    void keep_gaps(const Event& event, const ServerName& from);
    /// The state before an event that was placed has holes: it is asked for again later.
    void keep_incomplete(const EventId& event, const ServerName& from);
    std::optional<Event> find_unplaced(const EventId& event_id) const;
    std::int64_t draw_retry_pause_ms(int attempts) const;

    // room_repair.cpp

    Task<bool> complete_state(EventId at, ServerName from);
    /// Gives an event another state before it, judges it again, and everything that follows it.
    Task<void> revise_states(EventId at, State before);

    // room_policy.cpp

    /// The one that the room uses now.
    std::optional<PolicyServer> policy_server();
    /// Does the room use a policy server that has not signed the event, and should have?
    bool lacks_policy_signature(const Event& event);
    /// The event with that signature; what the policy server answered instead, or why there is no
    /// answer.
    Task<Result<Event>> ask_policy_server(Event event);
    /// Step 7 of the checks on receipt, of an event that the other steps accept.
    Judgement judge_by_policy(const Event& event);

    // room_backfill.cpp

    std::vector<ServerName> list_backfill_servers();
    /// From the first of `servers` that has some of `missing`: what was placed.
    Task<std::vector<StoredEvent>> fetch_history(std::vector<EventId> missing,
                                                 std::vector<ServerName> servers);
    Task<std::vector<StoredEvent>> place_history(std::vector<Event> events, ServerName from);
    Task<Result<StoredEvent>> place_historic(Event event, ServerName from);

    // room_fetch.cpp

    /// Those of `pdus` that are of this room, pass the first three checks, and have no place here;
    /// the workers check them together.
    Task<EventsById> take_unplaced(json::Array pdus) const;
    Task<std::vector<Event>> fetch_gap(Event event, ServerName from);
    void add_waiting(const Event& event, EventsById& found) const;
    /// The auth events, and the state before, with what is missing of both.
    Task<Result<GivenState>> fetch_before(Event event, ServerName from);
    Task<Result<void>> fetch_auth_events(Event event, ServerName from);
    Task<Result<GivenState>> fetch_state_before(EventId id, ServerName from);
    /// Of `from`, else of some of the room's other servers.
    Task<Result<GivenState>> fetch_state_from_any(EventId id, ServerName from);
    Task<Result<void>> fetch_state_events(std::vector<EventId> missing,
                                          EventId at,
                                          ServerName from);
    /// Stores what the peer gives of some events, and of those that authorize them.
    Task<void> fetch_outliers(std::vector<EventId> ids, ServerName from);
    Task<Result<std::vector<Event>>> fetch_events(std::vector<EventId> ids, ServerName from) const;
    Task<void> add_outliers(json::Array pdus);
    /// In slices; after a failed commit some are missing.
    Task<void> store_outliers(std::vector<Event> events);
    void store_outlier_slice(std::vector<EventPtr> events);
    /// A state of events that are here, stored in slices.
    Task<Result<GivenState>> make_state(std::vector<EventId> ids);

    RoomServices& services;
    const RoomId id;
    const RoomRules* rules;
    storage::RoomNumber number;
    State current;
    std::vector<EventId> extremities;  ///< In the order of ids.
    ReceiveQueue queue;
    /// When history before an event was asked for in vain.
    storage::LruMap<runtime::Timestamp> backfills_asked{64};
    /// When the policy server did not sign what would have merged the extremities.
    std::optional<runtime::Timestamp> merge_refused_at;
    bool is_stale = false;
    bool is_gone = false;  ///< The commit that made the room failed.

private:
    std::optional<std::map<ServerName, std::size_t>> joined_servers_;
    /// What the current m.room.server_acl says of servers that were asked for.
    struct AclVerdicts {
        EventId acl;
        std::map<ServerName, bool> by_server;
    };
    AclVerdicts acl_verdicts_;
    /// In the order of roots, each once; and by what the result is remembered.
    struct Dispute {
        std::vector<State> states;
        std::string key;
    };
    static Dispute dispute_of(const std::vector<State>& states);
    Resolver& resolver();

    /// By the roots of what was resolved.
    storage::LruMap<State> resolved_{64};
    std::unique_ptr<Resolver> resolver_;
};

/// The end of a turn of many in which rows are written; the next one begins when the log is not too
/// long.
Task<void> end_written_slice(const RoomServices* services);

/// What remains to be read of an auth chain.
struct ChainWalk {
    void follow(const Event& event) {
        for (const EventId& cited : event.auth_events) {
            if (seen.insert(cited).second) pending.push_back(cited);
        }
    }
    EventId take_next() {
        EventId next = std::move(pending.back());
        pending.pop_back();
        return next;
    }
    std::set<EventId> seen;
    std::vector<EventId> pending;
};

/// In which room a membership makes whom what.
std::optional<Membership> membership_in(const State& state,
                                        const UserId& user,
                                        const FindEvent& find_event);

}  // namespace matrix::engine
