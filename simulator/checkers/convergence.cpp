// The checker "convergence": after the network healed, honest servers agree.
//
// For each room, among the servers that are joined to it: the same forward extremities, the same
// current state, the same state before every event that both have, and no event behind the
// extremities that one accepted and another rejected or never got. (Soft failure may differ: it
// depends on what a server knew when an event came. See knowledge P-C1.)
#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "simulator/checkers/checkers.h"
#include "simulator/timeline.h"

namespace matrix::simulator {
namespace {

using engine::EventStatus;
using engine::RoomPtr;
using engine::StoredEvent;

struct Resident {
    int server = 0;
    RoomPtr room;
    std::map<EventId, StoredEvent> timeline;
    std::set<EventId> behind_extremities;
    std::optional<EventId> entry;
};

std::string describe(const Event& event) {
    return event.id.text() + " (" + event.type + " by " + event.sender.text() + " at depth " +
           std::to_string(event.depth) + ")";
}

std::vector<EventId> sorted(std::vector<EventId> ids) {
    std::ranges::sort(ids);
    return ids;
}

std::map<EventId, StoredEvent> read_timeline(const engine::Room& room) {
    std::map<EventId, StoredEvent> events;
    for_each_in_timeline(room, [&](StoredEvent stored) {
        const EventId id = stored.event->id;
        events.emplace(id, std::move(stored));
    });
    return events;
}

// The extremities and everything before them, as far as the server has it.
std::set<EventId> list_behind_extremities(const engine::Room& room) {
    std::set<EventId> found;
    std::vector<EventId> pending = room.extremities();
    while (!pending.empty()) {
        const EventId id = std::move(pending.back());
        pending.pop_back();
        if (!found.insert(id).second) continue;
        const auto stored = room.find_event(id);
        if (!stored) continue;
        pending.insert(
            pending.end(), stored->event->prev_events.begin(), stored->event->prev_events.end());
    }
    return found;
}

// The newest join of one of a server's users that it has itself: its entry, or one after it.
std::optional<EventId> newest_entry(const Resident& resident, const ServerName& name) {
    const StoredEvent* newest = nullptr;
    for (const auto& [id, stored] : resident.timeline) {
        const Event& event = *stored.event;
        if (event.membership() != Membership::Join || event.sender.server() != name) continue;
        if (newest == nullptr || stored.position > newest->position) newest = &stored;
    }
    return newest == nullptr ? std::nullopt : std::optional(newest->event->id);
}

// Those events of a timeline that follow `start`, whatever depth they say they have. What is
// concurrent with a server's entry may never reach it: it has the state, and fetches history only
// as far as it needs it.
std::set<EventId> descendants(const std::map<EventId, StoredEvent>& timeline,
                              const std::optional<EventId>& start) {
    std::set<EventId> found;
    if (!start) return found;
    std::map<EventId, std::vector<EventId>> followers;
    for (const auto& [id, stored] : timeline) {
        for (const EventId& previous : stored.event->prev_events)
            followers[previous].push_back(id);
    }
    std::vector<EventId> pending{*start};
    while (!pending.empty()) {
        const EventId id = std::move(pending.back());
        pending.pop_back();
        if (!found.insert(id).second) continue;
        const auto place = followers.find(id);
        if (place == followers.end()) continue;
        pending.insert(pending.end(), place->second.begin(), place->second.end());
    }
    return found;
}

class RoomComparison {
public:
    RoomComparison(World& world, const RoomId& room)
        : world_(world), cluster_(world.cluster()), room_(room) {}

    void run() {
        for (int number = 0; number < cluster_.server_count(); ++number) {
            if (!cluster_.server(number).is_up()) continue;
            engine::Server& server = cluster_.server(number).engine();
            const auto room = server.rooms().find(room_);
            if (!room || !(*room)->is_server_joined(server.name())) continue;
            Resident resident{number,
                              *room,
                              read_timeline(**room),
                              list_behind_extremities(**room),
                              std::nullopt};
            resident.entry = newest_entry(resident, server.name());
            residents_.push_back(std::move(resident));
        }
        for (std::size_t a = 0; a < residents_.size(); ++a) {
            for (std::size_t b = a + 1; b < residents_.size(); ++b) {
                compare(residents_[a], residents_[b]);
            }
        }
    }

private:
    void disagree(const Resident& a, const Resident& b, const std::string& what) {
        if (const auto doubt = world_.find_doubt_of(room_)) {
            return world_.excuse("convergence: " + *doubt);
        }
        for (const Resident* side : {&a, &b}) {
            auto excuse = world_.find_excuse_of(side->server);
            if (!excuse) excuse = world_.find_excuse_of_keys(side->server);
            if (excuse) return world_.excuse("convergence: " + *excuse);
        }
        world_.findings().add("convergence",
                              cluster_.time().now_us(),
                              "room " + room_.text() + ", servers " + std::to_string(a.server) +
                                  " and " + std::to_string(b.server) + ": " + what);
    }

    // To believe such an event a server needs keys that the host may refuse, so that it may stay
    // out of a history that goes on from the state after it.
    bool is_byzantine(const Event& event) const {
        return find_byzantine_host(world_.scenario(), event.sender.server().view()).has_value();
    }

    // Is it in the room, as `a` sees it, and not denied by an ACL?
    bool is_admitted(const Resident& a, const Resident& b) {
        const ServerName& name = cluster_.server(b.server).name();
        return a.room->is_server_joined(name) && a.room->is_server_allowed(name);
    }

    void compare(const Resident& a, const Resident& b) {
        if (!is_admitted(a, b) || !is_admitted(b, a)) {
            world_.measure("pairs_estranged", 1);
            return;
        }
        world_.measure("pairs_compared", 1);
        compare_now(a, b);
        compare_events(a, b);
        compare_events(b, a);
    }

    // Does `b` not show an extremity of `a`, and may it not? Such a one stays where nobody may
    // speak any more, as in a room that was replaced: nothing follows it.
    bool is_left_behind(const Resident& a, const Resident& b, const EventId& id) const {
        const auto theirs = b.room->find_event(id);
        if (theirs) return theirs->status == EventStatus::SoftFailed;
        const auto ours = a.room->find_event(id);
        return ours && is_byzantine(*ours->event);
    }

    // The extremities of `a` without those that `b` left behind.
    std::vector<EventId> shared_extremities(const Resident& a, const Resident& b) const {
        std::vector<EventId> ids = sorted(a.room->extremities());
        std::erase_if(ids, [&](const EventId& id) { return is_left_behind(a, b, id); });
        return ids;
    }

    static bool is_behind(const std::vector<EventId>& ids, const Resident& other) {
        return std::ranges::all_of(
            ids, [&](const EventId& id) { return other.behind_extremities.contains(id); });
    }

    void compare_now(const Resident& a, const Resident& b) {
        const std::vector<EventId> of_a = shared_extremities(a, b);
        const std::vector<EventId> of_b = shared_extremities(b, a);
        const bool is_any_left_behind = of_a.size() < a.room->extremities().size() ||
                                        of_b.size() < b.room->extremities().size();
        if (is_any_left_behind) {
            // What is left behind covers others, and may be state.
            world_.measure("pairs_with_events_left_behind", 1);
            if (!is_behind(of_a, b) || !is_behind(of_b, a))
                disagree(a, b, "different forward extremities");
            return;
        }
        if (of_a != of_b) {
            disagree(a, b, "different forward extremities");
            return;
        }
        for (const StateDifference& difference :
             diff(a.room->current_state(), b.room->current_state())) {
            disagree(a,
                     b,
                     "different current state at (" + difference.key.type + ", " +
                         difference.key.state_key + ")");
        }
    }

    // Everything that `a` accepted after the entry of `b` must be known to `b`, and be the same
    // there. A branch that `a` alone had when its last user left is behind it for good: nothing
    // cites it, for `a` came in again by way of others, and takes up from their state.
    void compare_events(const Resident& a, const Resident& b) {
        const std::set<EventId> since_entry = descendants(a.timeline, b.entry);
        for (const auto& [id, stored] : a.timeline) {
            if (!since_entry.contains(id) || !a.behind_extremities.contains(id)) continue;
            const storage::StoredEventPtr theirs = b.room->find_event(id);
            world_.measure("events_compared", 1);
            if (!theirs && is_byzantine(*stored.event)) {
                world_.measure("byzantine_events_missing", 1);
            } else if (!theirs) {
                disagree(a, b, describe(*stored.event) + " is missing on the second");
            } else if (theirs->status == EventStatus::Rejected) {
                disagree(a, b, id.text() + " is rejected on the second: " + theirs->rule);
            } else if (theirs->status != EventStatus::Outlier &&
                       theirs->state_before != stored.state_before) {
                disagree(a, b, id.text() + " has different states before it");
            }
        }
    }

    World& world_;
    Cluster& cluster_;
    RoomId room_;
    std::vector<Resident> residents_;
};

class ConvergenceCheck final : public Check {
public:
    void conclude(World& world) override {
        for (const LivingRoom& room : world.rooms())
            RoomComparison(world, room.id).run();
    }
};

}  // namespace

std::unique_ptr<Check> make_convergence_check() {
    return std::make_unique<ConvergenceCheck>();
}

}  // namespace matrix::simulator
