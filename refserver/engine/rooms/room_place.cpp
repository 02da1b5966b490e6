// What follows when an event has found its place: extremities, current state, memberships.

#include <algorithm>
#include <set>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/notifier.h"
#include "refserver/engine/rooms/room_data.h"

namespace matrix::engine {

StoredEvent Room::Data::place(EventPtr event,
                              const State& before,
                              const Judgement& judgement,
                              EventOrigin origin) {
    services.turns.begin_unit();
    StoredEvent stored;
    stored.event = std::move(event);
    stored.status = judgement.status;
    stored.rule = judgement.failure.rule;
    stored.detail = auth::describe(judgement.failure);
    if (origin != EventOrigin::Own) {
        // An outlier may have been redacted before it found its place.
        const auto known = services.events.find(stored.event->id);
        SIM_SOMETIMES(known && !known->is_placed(), "an outlier finds its place");
        if (known && known->redacted_by) {
            SIM_SOMETIMES("an event was redacted before it found its place");
            stored.event = known->event;
            stored.redacted_by = known->redacted_by;
        }
    }

    const Event& placed = *stored.event;
    const bool changes_state = placed.is_state() && stored.status != EventStatus::Rejected;
    const State after =
        changes_state ? before.with({placed.type, *placed.state_key}, placed.id) : before;
    stored.state_before = services.states.put(before);
    stored.state_after = services.states.put(after);

    const bool is_accepted = stored.status == EventStatus::Accepted;
    if (is_accepted && apply_redaction(placed, before) && placed.type != kMergeEventType) {
        stored.position = origin == EventOrigin::History ? services.turns.next_backfill_position()
                                                         : services.turns.next_position();
    }
    services.events.put(number, stored);
    services.unplaced.remove(placed.id);
    services.unplaced.make_due_upon(placed.id, services.clock.now().value);
    event_changed(placed.id);
    if (is_accepted && origin == EventOrigin::History) retire_extremities(placed);
    if (is_accepted && origin != EventOrigin::History) advance(placed, after, stored.position);
    if (services.watch != nullptr) services.watch->room(id, extremities, current.root());
    if (origin == EventOrigin::Own) return stored;
    apply_early_redactions(placed.id);
    const StoredEventPtr now = services.events.find(placed.id);
    return now ? *now : stored;
}

namespace {

/// What `event` stands upon: its previous events, and what lies behind those of them that are no
/// extremities by themselves.
std::set<EventId> list_covered(const Event& event, const Room::Data& room) {
    std::set<EventId> covered;
    std::vector<EventId> pending = event.prev_events;
    std::size_t hidden = 0;
    while (!pending.empty()) {
        const EventId id = std::move(pending.back());
        pending.pop_back();
        if (!covered.insert(id).second) continue;
        const auto stored = room.find_placed(id);
        if (!stored || stored->status == EventStatus::Accepted) continue;
        SIM_SOMETIMES("an event stands upon one that is not shown");
        if (++hidden > kHiddenEventsMax) break;
        pending.insert(
            pending.end(), stored->event->prev_events.begin(), stored->event->prev_events.end());
    }
    return covered;
}

}  // namespace

bool Room::Data::is_cited_by_accepted(const EventId& event_id) const {
    std::set<EventId> seen;
    std::vector<EventId> pending{event_id};
    while (!pending.empty() && seen.size() <= kHiddenEventsMax) {
        const EventId next = std::move(pending.back());
        pending.pop_back();
        for (const EventId& child : services.events.list_children(next)) {
            const auto stored = find_placed(child);
            if (!stored) continue;
            if (stored->status == EventStatus::Accepted) {
                SIM_SOMETIMES("an event comes after those that cite it");
                return true;
            }
            if (seen.insert(child).second) pending.push_back(child);
        }
    }
    return false;
}

void Room::Data::advance(const Event& event, const State& after, StreamPosition position) {
    std::vector<EventId> next;
    const std::set<EventId> covered = list_covered(event, *this);
    for (const EventId& extremity : extremities) {
        if (!covered.contains(extremity)) next.push_back(extremity);
    }
    if (!is_cited_by_accepted(event.id)) {
        next.insert(std::ranges::lower_bound(next, event.id), event.id);
    }
    if (next != extremities) {
        change_extremities(next);
        const bool is_alone = next.size() == 1 && next.front() == event.id;
        SIM_SOMETIMES(!is_alone, "a room has several extremities");
        const auto resolved = is_alone ? std::optional(after) : state_after_all(next);
        if (resolved && !(*resolved == current)) {
            if (position == StreamPosition{}) position = services.turns.next_position();
            change_current(*resolved, position);
        }
    }
    if (position != StreamPosition{}) services.notifier.room_changed(id, position);
}

// Where a gap is filled, it turns out that what lies below it is no end of the room.
void Room::Data::retire_extremities(const Event& event) {
    const std::set<EventId> covered = list_covered(event, *this);
    std::vector<EventId> next = extremities;
    std::erase_if(next, [&](const EventId& id) { return covered.contains(id); });
    if (next == extremities || next.empty() || !is_cited_by_accepted(event.id)) return;
    change_extremities(next);
    const auto resolved = state_after_all(next);
    if (!resolved || *resolved == current) return;
    const StreamPosition position = services.turns.next_position();
    change_current(*resolved, position);
    services.notifier.room_changed(id, position);
}

void Room::Data::change_extremities(const std::vector<EventId>& next) {
    for (const EventId& old : extremities) {
        if (!std::ranges::binary_search(next, old)) services.rooms.remove_extremity(number, old);
    }
    for (const EventId& added : next) {
        if (!std::ranges::binary_search(extremities, added)) {
            services.rooms.add_extremity(number, added);
        }
    }
    extremities = next;
}

void Room::Data::change_current(const State& next, StreamPosition position) {
    services.rooms.put_current_state(number, position, services.states.put(next));
    const State previous = std::exchange(current, next);
    std::vector<MemberChange> changes;
    for (const StateDifference& difference : diff(previous, next)) {
        if (difference.key.type != "m.room.member") continue;
        if (auto change = change_member(difference, position)) {
            changes.push_back(*std::move(change));
        }
    }
    tell_watcher(std::move(changes));
}

void Room::Data::tell_watcher(std::vector<MemberChange> changes) {
    if (!services.watch_members) return;
    for (MemberChange& change : changes) {
        if (change.user.server() == services.server_name) {
            for (const auto& [server, count] : joined_servers())
                change.servers.insert(server);
        }
        services.watch_members(change);
    }
}

std::optional<MemberChange> Room::Data::change_member(const StateDifference& difference,
                                                      StreamPosition position) {
    const UserId user(difference.key.state_key);
    auto& servers = joined_servers();  // Before the table changes, from which it may be read.
    const auto old = services.rooms.find_membership_of(number, user);
    const EventPtr event =
        difference.after ? services.events.find_event(*difference.after) : nullptr;
    const auto now = event ? event->membership() : std::nullopt;
    if (now) {
        services.rooms.put_membership(number, user, *now, event->id);
    } else {
        SIM_SOMETIMES("a resolution takes a membership away");
        services.rooms.remove_membership(number, user);
    }

    const ServerName server = user.server();
    const bool was_joined = old == Membership::Join;
    const bool is_joined = now == Membership::Join;
    if (was_joined != is_joined) {
        const std::size_t users = is_joined ? ++servers[server] : --servers[server];
        services.rooms.put_joined_users(number, server, users);
        if (users == 0) servers.erase(server);
    }
    if (now == Membership::Join && old != Membership::Join) {
        services.notifier.member_joined(id, user);
    }
    if (server == services.server_name) {
        services.rooms.add_change(user,
                                  {.room = id,
                                   .membership = now.value_or(Membership::Leave),
                                   .event = event ? event->id : EventId(),
                                   .position = position});
        services.notifier.user_changed(user, position);
    }
    if (is_joined == was_joined) return std::nullopt;
    return MemberChange{.room = id, .user = user, .is_joined = is_joined};
}

}  // namespace matrix::engine
