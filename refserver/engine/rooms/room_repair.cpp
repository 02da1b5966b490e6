// States that have holes are completed: those of which an event could not be had, or not be
// believed for want of its server's keys. What the holes led to is put right, in the graph as far
// as it is here: the states before and after each event that follows, what became of it, the
// extremities, the current state.
//
// UNSPECIFIED: the specification has servers drop what they cannot verify, and says nothing of when
// they can. We ask again, because servers that joined while a third one was away would differ from
// all others for good.

#include <algorithm>
#include <set>
#include <utility>

#include "refserver/base/sometimes.h"
#include "refserver/engine/notifier.h"
#include "refserver/engine/rooms/room_data.h"

namespace matrix::engine {

/// The newest part of a room's graph, as it is needed to walk from an event to what follows it.
struct PlacedGraph {
    void add(const StoredEvent& stored) {
        const Event& event = *stored.event;
        if (!stored.is_placed() || !known.insert(event.id).second) return;
        for (const EventId& previous : event.prev_events)
            children[previous].push_back(event.id);
    }
    std::set<EventId> known;
    std::map<EventId, std::vector<EventId>> children;
};

namespace {

/// What is older stays as it is.
constexpr std::size_t kGraphEventsMax = 2000;
constexpr std::size_t kRevisionsMax = 5000;
constexpr std::size_t kReadPerTurn = 64;
constexpr std::size_t kRevisionsPerTurn = 8;

// True if the states of the event are others now.
//
// Whether the current state of its time refused it is not asked again: nobody knows it any more.
bool revise(Room::Data& room, StoredEvent stored, const State& before) {
    if (before.root() == *stored.state_before) return false;
    SIM_SOMETIMES("an event gets another state before it");
    const Event& event = *stored.event;
    const Judgement judgement = judge(event, before, before, room.checks());
    const bool is_rejected = judgement.status == EventStatus::Rejected;
    const bool was_rejected = stored.status == EventStatus::Rejected;
    SIM_SOMETIMES(is_rejected && !was_rejected, "the completed state refuses an event");
    SIM_SOMETIMES(!is_rejected && was_rejected, "the completed state allows an event");
    if (is_rejected != was_rejected) {
        stored.status = judgement.status;
        stored.rule = judgement.failure.rule;
        stored.detail = is_rejected ? auth::describe(judgement.failure) : std::string();
        stored.position = {};
    }
    const bool changes_state = event.is_state() && !is_rejected;
    const State after =
        changes_state ? before.with({event.type, *event.state_key}, event.id) : before;
    stored.state_before = room.services.states.put(before);
    stored.state_after = room.services.states.put(after);
    room.services.turns.begin_unit();
    room.services.events.put(room.number, stored);
    room.event_changed(event.id);
    const bool is_new = was_rejected && !is_rejected;
    if (is_new && room.apply_redaction(event, before) && event.type != kMergeEventType) {
        stored.position = room.services.turns.next_backfill_position();
        room.services.events.put(room.number, stored);
    }
    return true;
}

void revise_extremities(Room::Data& room,
                        const PlacedGraph& graph,
                        const std::set<EventId>& revised) {
    const auto is_accepted = [&](const EventId& event_id) {
        const auto stored = room.find_placed(event_id);
        return stored && stored->status == EventStatus::Accepted;
    };
    // Events that are not accepted are looked through.
    const auto is_followed = [&](const EventId& event_id) {
        std::set<EventId> looked_at;
        std::vector<EventId> pending{event_id};
        while (!pending.empty()) {
            const auto children = graph.children.find(pending.back());
            pending.pop_back();
            if (children == graph.children.end()) continue;
            for (const EventId& child : children->second) {
                if (is_accepted(child)) return true;
                if (looked_at.insert(child).second) pending.push_back(child);
            }
        }
        return false;
    };
    std::set<EventId> candidates(room.extremities.begin(), room.extremities.end());
    for (const EventId& event_id : revised) {
        const auto stored = room.find_placed(event_id);
        candidates.insert(event_id);
        candidates.insert(stored->event->prev_events.begin(), stored->event->prev_events.end());
    }
    std::vector<EventId> next;
    for (const EventId& candidate : candidates)
        if (is_accepted(candidate) && !is_followed(candidate)) next.push_back(candidate);
    if (next.empty()) return;
    if (next != room.extremities) room.change_extremities(next);
    const auto resolved = room.state_after_all(next);
    if (!resolved || *resolved == room.current) return;
    SIM_SOMETIMES("a completed state changes the current one");
    const StreamPosition position = room.services.turns.next_position();
    room.change_current(*resolved, position);
    room.services.notifier.room_changed(room.id, position);
}

}  // namespace

Task<bool> Room::complete_state(EventId at, ServerName origin) {
    const RoomPtr self = shared_from_this();
    co_return co_await data().complete_state(std::move(at), std::move(origin));
}

Task<bool> Room::Data::complete_state(EventId at, ServerName from) {
    const std::uint64_t failed_before = services.turns.failed_commits();
    const auto given = co_await fetch_state_from_any(at, from);
    if (!given) co_return false;
    if (!co_await queue.enter(from)) co_return false;
    refresh();
    if (services.turns.failed_commits() == failed_before && check_is_stored())
        co_await revise_states(at, given->state);
    queue.leave();
    co_return given->missing_count == 0;
}

// Those before others, as far as depths tell the truth; where they lie, some are looked at twice.
// What our own users send meanwhile comes in between.
Task<void> Room::Data::revise_states(EventId at, State before) {
    const std::uint64_t failed_before = services.turns.failed_commits();
    PlacedGraph graph;
    StreamPosition seen = services.turns.newest();
    std::size_t read = 0;
    for (const EventId& event_id : services.events.list_lately_placed(number, kGraphEventsMax)) {
        if (const auto stored = find_placed(event_id)) graph.add(*stored);
        if (++read % kReadPerTurn == 0) co_await end_turn();
    }

    std::set<std::pair<std::int64_t, EventId>> pending;
    std::set<EventId> revised;
    const auto add = [&](const EventId& event_id) {
        if (const auto stored = find_placed(event_id))
            pending.emplace(stored->event->depth, event_id);
    };
    const auto add_news = [&] {
        const StreamPosition newest = services.turns.newest();
        for (const StoredEvent& stored :
             services.events.list_newest(number, seen, newest, kGraphEventsMax)) {
            graph.add(stored);
            for (const EventId& previous : stored.event->prev_events)
                if (revised.contains(previous)) add(stored.event->id);
        }
        seen = newest;
    };
    add_news();
    add(at);
    for (std::size_t count = 1; !pending.empty() && count <= kRevisionsMax; ++count) {
        const EventId event_id = pending.extract(pending.begin()).value().second;
        if (count % kRevisionsPerTurn == 0) co_await end_turn();
        if (const StoredEventPtr known = find_placed(event_id); known && event_id != at)
            co_await prepare_resolution(known->event->prev_events);
        // From here to the end of the round nothing waits.
        refresh();
        if (services.turns.failed_commits() != failed_before) co_return;
        add_news();
        const StoredEventPtr stored = find_placed(event_id);
        const auto state =
            event_id == at ? std::optional(before) : state_after_all(stored->event->prev_events);
        if (!state || !revise(*this, *stored, *state)) continue;
        revised.insert(event_id);
        for (const EventId& child : graph.children[event_id])
            add(child);
    }
    if (!revised.empty()) revise_extremities(*this, graph, revised);
}

}  // namespace matrix::engine
