// States and the front of the graph: stored ones are what the events make of them.

#include <algorithm>
#include <set>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/engine/fsck/fsck_run.h"

namespace matrix::engine::fsck {

void Run::check_states(const Audit::Event& row,
                       const KnownRoom& room,
                       const Event& event,
                       const State& before) {
    check_state_before(row, room, event, before);
    const bool changes_state =
        event.is_state() && row.status != static_cast<int>(EventStatus::Rejected);
    const State after =
        changes_state ? before.with({event.type, *event.state_key}, event.id) : before;
    if (root_text(after) != *row.state_after) {
        report("state_after",
               room.id.view(),
               row.event_id,
               describe_root(root_text(after)),
               describe_root(row.state_after));
    } else if (after.root() != before.root() && !audit_.find_node(*row.state_after)) {
        report("state_dangling",
               room.id.view(),
               row.event_id,
               "the state after it, " + describe_root(row.state_after),
               "its root is missing");
    }
    keep_state(after);
}

// Positions tell what came when; what has none may have come at any time.
bool Run::came_out_of_turn(const Audit::Event& row, const Known& previous) const {
    if (previous.position <= 0) return true;
    return row.position > 0 && previous.position > row.position;
}

void Run::check_state_before(const Audit::Event& row,
                             const KnownRoom& room,
                             const Event& event,
                             const State& before) {
    std::vector<State> states;
    bool is_certain = true;
    for (const EventId& id : event.prev_events) {
        const auto previous = find_known(id.view());
        auto state =
            previous && previous->is_placed() ? load_state(previous->state_after) : std::nullopt;
        if (!state) {
            // Told by a peer: all that we can say is that it consists of events.
            ++counts_.states_unjudged;
            check_entries(room, row.room, before);
            return;
        }
        is_certain = is_certain && !came_out_of_turn(row, *previous);
        states.push_back(*std::move(state));
    }
    ++counts_.states;
    const State resolved = resolve(row.room, states);
    if (resolved.root() == before.root()) return;
    if (!is_certain) {
        ++counts_.states_unjudged;
        check_entries(room, row.room, before);
        return;
    }
    report("state_before",
           room.id.view(),
           row.event_id,
           describe_root(root_text(resolved)),
           describe_root(row.state_before));
}

// Costs what the state does not share with the last one of the room that came here.
void Run::check_entries(const KnownRoom& room, std::int64_t number, const State& state) {
    const std::string key = std::to_string(number);
    const State* known = looked_up_.find(key);
    for (const StateDifference& difference : diff(known ? *known : State(), state)) {
        if (!difference.after) continue;
        const auto entry = find_known(difference.after->view());
        const bool is_good = entry && entry->room == number && entry->event->state_key &&
                             entry->event->is(difference.key.type, difference.key.state_key);
        if (is_good) continue;
        report("state_entry",
               room.id.view(),
               difference.after->view(),
               "a state event of the room at (" + difference.key.type + ", " +
                   difference.key.state_key + ")",
               entry ? "another event" : "no such event");
    }
    looked_up_.put(key, state);
}

// An edge is kept for a previous event that is not, or not yet, accepted: only behind such events
// is it asked for. See EventStore.
void Run::check_graph(const Audit::Event& row, const Event& event) {
    const std::string& room_id = event.room_id.text();
    for (const EventId& id : event.prev_events) {
        const auto previous = find_known(id.view());
        const bool is_accepted = previous && previous->status == EventStatus::Accepted;
        if (is_accepted || audit_.has_edge(id.view(), row.number)) continue;
        if (!previous && audit_.find_event(id.view())) continue;  // Nobody can tell what it is.
        report("edge_missing", room_id, row.event_id, "an edge to " + id.text(), "none");
    }
    const bool is_shown = row.position != 0;
    if (is_shown && !audit_.has_time(row.room, event.origin_server_ts, row.number)) {
        report("event_time_missing",
               room_id,
               row.event_id,
               "its time " + std::to_string(event.origin_server_ts) + " in event_times",
               "none");
    }
}

// By the engine's own rule: also across what is rejected or soft-failed. History that came later
// pushes nothing away from the front.
void Run::mark_followed(const Audit::Event& row, const Event& event) {
    for (const EventId& id : event.prev_events) {
        if (row.position <= 0 || !audit_.is_extremity(row.room, id.view())) continue;
        report("extremity_followed",
               event.room_id.view(),
               id.view(),
               "no accepted event after a forward extremity",
               row.event_id);
    }
    std::set<EventId> seen;
    std::vector<EventId> pending = event.prev_events;
    while (!pending.empty() && seen.size() <= kHiddenEventsMax) {
        const EventId id = std::move(pending.back());
        pending.pop_back();
        const auto known = seen.insert(id).second ? find_known(id.view()) : std::nullopt;
        if (!known) continue;
        const auto number = static_cast<std::size_t>(known->number);
        if (followed_.size() <= number) followed_.resize(number + 1);
        followed_[number] = true;
        if (!known->is_placed() || known->status == EventStatus::Accepted) continue;
        const std::vector<EventId>& behind = known->event->prev_events;
        pending.insert(pending.end(), behind.begin(), behind.end());
    }
}

// What was at the front before our server came into the room again is so no more.
void Run::check_tips() {
    std::int64_t last = 0;
    while (true) {
        const std::vector<Audit::Event> slice = audit_.list_events(last, kSliceRows);
        if (slice.empty() || database_.has_failed()) break;
        for (const Audit::Event& row : slice) {
            const auto number = static_cast<std::size_t>(row.number);
            const bool is_followed = number < followed_.size() && followed_[number];
            const KnownRoom* room = find_room(row.room);
            const bool is_tip =
                room && room->rules && row.status == static_cast<int>(EventStatus::Accepted) &&
                row.position > 0 && row.position >= room->last_entry && !is_followed;
            if (!is_tip || audit_.is_extremity(row.room, row.event_id)) continue;
            report("extremity_missing",
                   room->id.view(),
                   row.event_id,
                   "a forward extremity: no accepted event follows it",
                   "it is none");
        }
        last = slice.back().number;
    }
}

void Run::check_rooms() {
    for (const auto& [number, room] : rooms_) {
        ++counts_.rooms;
        if (room.rules) check_room(number, room);
    }
}

void Run::check_room(std::int64_t number, const KnownRoom& room) {
    if (room.current_state.empty()) return check_unentered(number, room);
    const auto current = load_state(room.current_state);
    if (!current) {
        report("state_dangling",
               room.id.view(),
               "",
               "all nodes of the current state, " + describe_root(room.current_state),
               "some are missing or damaged");
        return;
    }
    const auto newest = audit_.find_newest_change(number);
    if (newest.value_or("") != room.current_state) {
        report("state_change",
               room.id.view(),
               "",
               "the current state as the newest in state_changes, " +
                   describe_root(room.current_state),
               describe_root(newest));
    }
    check_entries(room, number, *current);
    check_extremities(number, room, *current);
    check_members(number, room, *current);
}

// A crash while a room was entered leaves some of its events and members, and nothing that shows
// them.
void Run::check_unentered(std::int64_t number, const KnownRoom& room) {
    if (audit_.list_extremities(number).empty() && !audit_.find_newest_change(number)) return;
    report("current_state", room.id.view(), "", "the state of a room that was entered", "none");
}

void Run::check_extremities(std::int64_t number, const KnownRoom& room, const State& current) {
    std::vector<State> states;
    for (const std::string& id : audit_.list_extremities(number)) {
        const auto known = find_known(id);
        if (!known || known->room != number) return;  // Reported already.
        if (known->status != EventStatus::Accepted) {
            report("extremity_status",
                   room.id.view(),
                   id,
                   "an accepted event",
                   "one that was not accepted");
            return;
        }
        auto state = load_state(known->state_after);
        if (!state) return;
        states.push_back(*std::move(state));
    }
    if (states.empty()) return;
    const State resolved = resolve(number, states);
    if (resolved.root() == current.root()) return;
    report(
        "current_state",
        room.id.view(),
        "",
        "the resolution of the forward extremities' states, " + describe_root(root_text(resolved)),
        describe_root(root_text(current)));
}

void Run::check_members(std::int64_t number, const KnownRoom& room, const State& current) {
    std::int64_t members = 0;
    const auto expect = [&](const std::string& user, const EventId& id) {
        const auto event = find_known(id.view());
        const auto membership = event ? event->event->membership() : std::nullopt;
        if (!membership) return;
        ++members;
        const auto row = audit_.find_member(number, user);
        if (row && row->event_id == id.view() && row->membership == name_of(*membership)) return;
        report("membership",
               room.id.view(),
               id.view(),
               user + ": " + std::string(name_of(*membership)) + " by " + id.text(),
               row ? row->membership + " by " + row->event_id : "no row");
        if (!row) --members;
    };
    current.for_each_of_type("m.room.member", [&](const StateKey& key, const EventId& id) {
        expect(key.state_key, id);
    });
    if (audit_.count_members(number) == members) return;
    std::string last;
    while (true) {
        const auto slice = audit_.list_members(number, last, kSliceRows);
        if (slice.empty()) break;
        for (const Audit::Member& member : slice) {
            if (current.find("m.room.member", member.user_id)) continue;
            report("membership",
                   room.id.view(),
                   member.event_id,
                   "no membership of " + member.user_id + " in the current state",
                   member.membership);
        }
        last = slice.back().user_id;
    }
}

namespace {

/// All nodes' hashes in their order, and which of them were reached.
struct NodeIndex {
    std::vector<Sha256> hashes;
    std::vector<bool> is_reached;

    std::optional<std::size_t> find(std::string_view hash) const {
        if (hash.size() != sizeof(Sha256)) return std::nullopt;
        Sha256 wanted;
        std::ranges::copy(hash, wanted.begin());
        const auto place = std::ranges::lower_bound(hashes, wanted);
        if (place == hashes.end() || *place != wanted) return std::nullopt;
        return static_cast<std::size_t>(place - hashes.begin());
    }
};

}  // namespace

void Run::check_nodes() {
    const auto total = static_cast<std::uint64_t>(audit_.count_rows("state_nodes"));
    NodeIndex index;
    std::string last;
    while (true) {
        const auto slice = audit_.list_nodes(last, kSliceRows);
        if (slice.empty() || database_.has_failed()) break;
        for (const Audit::Node& node : slice) {
            ++counts_.state_nodes;
            if (view(sha256(node.bytes)) != node.hash) {
                report("state_node_hash",
                       "",
                       "",
                       "a node of hash " + describe_root(node.hash),
                       "one of hash " + describe_root(std::string(view(sha256(node.bytes)))));
            } else if (!State::list_children(node.bytes)) {
                report("state_node_unreadable", "", "", "a node", describe_root(node.hash));
            }
            if (node.hash.size() != sizeof(Sha256)) continue;
            std::ranges::copy(node.hash, index.hashes.emplace_back().begin());
        }
        last = slice.back().hash;
        options_.on_progress("state nodes", counts_.state_nodes, total);
    }
    index.is_reached.resize(index.hashes.size());

    std::vector<std::size_t> pending;
    const auto reach = [&](std::string_view hash) {
        const auto place = index.find(hash);
        if (!place || index.is_reached[*place]) return place.has_value();
        index.is_reached[*place] = true;
        pending.push_back(*place);
        return true;
    };
    audit_.for_each_root([&](std::string_view root) {
        reach(root);  // Whoever has the root misses it.
        while (!pending.empty()) {
            const std::string hash(view(index.hashes[pending.back()]));
            pending.pop_back();
            const auto bytes = audit_.find_node(hash);
            const auto children = bytes ? State::list_children(*bytes) : std::nullopt;
            if (!children) continue;
            for (const State::Hash& child : *children) {
                if (reach(view(child))) continue;
                report("state_node_dangling",
                       "",
                       "",
                       "a node " + describe_root(std::string(view(child))) + ", to which " +
                           describe_root(hash) + " refers",
                       "none");
            }
        }
    });
    counts_.state_nodes_unreachable =
        static_cast<std::uint64_t>(std::ranges::count(index.is_reached, false));
}

}  // namespace matrix::engine::fsck
