// Entering a room through another server, which may bring tens of thousands of events: the workers
// check them, and they are stored in slices that nothing shows until a small last step.
//
// A crash between two slices leaves events and members of a room that has no state here yet, and so
// is unknown; entering it again finds them or replaces them. Of a room that we were in before, the
// members are those of its old state until the last step, which changes only what differs.

#include <algorithm>
#include <iterator>
#include <set>
#include <span>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/notifier.h"
#include "refserver/engine/rooms/room_data.h"
#include "refserver/runtime/fault_point.h"
#include "refserver/runtime/workers.h"

namespace matrix::engine {
namespace {

struct ImportedMember {
    UserId user;
    Membership membership;
    EventId event;
};

/// What a resident said of a room, checked, and made ready to be stored.
struct CheckedRoom {
    std::vector<CheckedOutlier> outliers;
    ServerName resident;
    bool is_whole = true;  ///< False: events of `before` are missing.
    State before;
    std::vector<State::StoredNode> nodes;     ///< Of `before`, children first.
    std::vector<ImportedMember> members;      ///< In `before`.
    std::vector<ImportedMember> own_members;  ///< Those who are users of ours.
    std::map<ServerName, std::size_t> joined_servers;
};

using EventsById = std::map<EventId, EventPtr>;

/// One of the events that are said to be the state; no key if it cannot be.
struct StateEvent {
    std::optional<StateKey> key;
    EventId id;
};

Result<State> make_state_of(const std::vector<StateEvent>& events, const EventsById& accepted) {
    std::map<StateKey, EventId> entries;
    for (const StateEvent& event : events) {
        if (!event.key) return bad_gateway("the state holds an event that is no state");
        if (!accepted.contains(event.id)) continue;
        const auto [entry, is_new] = entries.try_emplace(*event.key, event.id);
        if (!is_new && entry->second != event.id) {
            return bad_gateway("the state holds two events of a key");
        }
    }
    return State::make({entries.begin(), entries.end()});
}

void list_members_of(const EventsById& accepted, const ServerName& us, CheckedRoom& room) {
    room.before.for_each_of_type("m.room.member",
                                 [&](const StateKey& key, const EventId& event_id) {
                                     const auto membership = accepted.at(event_id)->membership();
                                     if (!membership) return;
                                     const UserId user(key.state_key);
                                     room.members.push_back({user, *membership, event_id});
                                     if (user.server() == us)
                                         room.own_members.push_back(room.members.back());
                                     if (*membership == Membership::Join)
                                         ++room.joined_servers[user.server()];
                                 });
}

// Runs on a worker.
Result<CheckedRoom> check_joined_room(JoinedRoom joined,
                                      const ServerName& us,
                                      const Verifier& verifier) {
    CheckedRoom room;
    room.resident = joined.resident;
    room.is_whole = joined.is_state_whole;
    std::vector<StateEvent> state;
    for (const Event& event : joined.state) {
        std::optional<StateKey> key;
        if (event.state_key) key.emplace(event.type, *event.state_key);
        state.push_back({std::move(key), event.id});
    }
    std::vector<Event> events = std::move(joined.auth_chain);
    std::ranges::move(joined.state, std::back_inserter(events));
    std::erase_if(events,
                  [&](const Event& event) { return event.room_id != joined.join->room_id; });
    const FindEvent find_nothing = [](const EventId&) { return auth::CitedEvent(); };
    room.outliers = check_outliers(std::move(events), {nullptr, find_nothing, verifier});

    EventsById accepted;
    std::set<EventId> judged;
    for (const CheckedOutlier& checked : room.outliers) {
        judged.insert(checked.event->id);
        if (checked.verdict) accepted.emplace(checked.event->id, checked.event);
    }
    for (const StateEvent& event : state)
        room.is_whole = room.is_whole && judged.contains(event.id);
    ASSIGN_OR_RETURN(room.before, make_state_of(state, accepted));
    const EventId* create = room.before.find("m.room.create", "");
    if (!create) return bad_gateway("the state holds no valid m.room.create event");

    const FindEvent find_accepted = [&](const EventId& id) {
        const auto found = accepted.find(id);
        return auth::CitedEvent{found == accepted.end() ? nullptr : found->second};
    };
    const Judgement judgement = judge(
        *joined.join, room.before, room.before, {accepted.at(*create), find_accepted, verifier});
    if (judgement.status != EventStatus::Accepted) {
        SIM_SOMETIMES("the rules refuse a join in the state that a resident gives");
        return std::unexpected(error_of(judgement.failure));
    }
    list_members_of(accepted, us, room);
    room.nodes = room.before.list_new_nodes([](const State::Hash&) { return false; });
    return room;
}

StoredEvent make_outlier(CheckedOutlier checked) {
    StoredEvent stored;
    stored.event = std::move(checked.event);
    stored.status = EventStatus::Outlier;
    if (!checked.verdict) {
        stored.is_rejected_outlier = true;
        stored.rule = checked.verdict.error().rule;
        stored.detail = auth::describe(checked.verdict.error());
    }
    return stored;
}

/// Stores what was checked, for a room of this number. Its tasks give false when a commit failed:
/// then even the number may have become another room's, and nothing more may be written.
class RoomImport {
public:
    RoomImport(const RoomServices& services, storage::RoomNumber number)
        : services_(services), number_(number), failed_commits_(services.turns.failed_commits()) {}
    RoomImport(const RoomImport&) = delete;
    RoomImport& operator=(const RoomImport&) = delete;

    Task<bool> store_outliers(std::vector<CheckedOutlier>* outliers) {
        return store_in_slices(outliers, [this](CheckedOutlier& outlier) {
            if (services_.events.is_known(outlier.event->id)) return;
            services_.events.put_unread(number_, make_outlier(std::move(outlier)));
        });
    }

    Task<bool> store_nodes(std::vector<State::StoredNode>* nodes) {
        return store_in_slices(
            nodes, [this](const State::StoredNode& node) { services_.states.put_node(node); });
    }

    // What is there comes from an entry that came to no end.
    Task<bool> replace_members(CheckedRoom* checked) {
        while (services_.rooms.remove_some_members(number_, kRowsPerSlice) > 0) {
            if (!co_await end_slice()) co_return false;
        }
        const bool is_stored =
            co_await store_in_slices(&checked->members, [this](const ImportedMember& member) {
                services_.rooms.put_membership(
                    number_, member.user, member.membership, member.event);
            });
        if (!is_stored) co_return false;
        std::vector<std::pair<ServerName, std::size_t>> servers(checked->joined_servers.begin(),
                                                                checked->joined_servers.end());
        co_return co_await store_in_slices(&servers, [this](const auto& server) {
            services_.rooms.put_joined_users(number_, server.first, server.second);
        });
    }

private:
    /// The end of a slice, and of its turn; the next one begins when the log is not too long.
    Task<bool> end_slice() {
        co_await end_written_slice(&services_);
        co_return services_.turns.failed_commits() == failed_commits_;
    }

    // Calls `store` for each item, some of them in each turn; items are gone then.
    template <class Item, class Store>
    Task<bool> store_in_slices(std::vector<Item>* items, Store store) {
        const std::size_t rows =
            SIM_FAULT_POINT("an import stores one row at a time") ? 1 : kRowsPerSlice;
        for (std::size_t first = 0; first < items->size(); first += rows) {
            const std::size_t count = std::min(rows, items->size() - first);
            for (Item& item : std::span(*items).subspan(first, count)) {
                store(item);
                item = Item();
            }
            if (!co_await end_slice()) co_return false;
        }
        co_return true;
    }

    const RoomServices& services_;
    const storage::RoomNumber number_;
    const std::uint64_t failed_commits_;
};

/// What we have of a room that we enter.
enum class Presence { Unknown, Left, Joined };

// The parameters are the caller's, who waits.
Task<bool> import_room(RoomImport* import, CheckedRoom* checked, Presence presence) {
    if (!co_await import->store_outliers(&checked->outliers)) co_return false;
    if (presence == Presence::Joined) {
        SIM_SOMETIMES("a room is entered that we are in");
        co_return true;
    }
    if (!co_await import->store_nodes(&checked->nodes)) co_return false;
    if (presence == Presence::Left) {
        SIM_SOMETIMES("a room is entered again");
        co_return true;
    }
    co_return co_await import->replace_members(checked);
}

// A join of another user of ours may have come through whose answer was lost; and who was banned
// from a room that we did not know learns of it now.
void note_own_members(const RoomServices& services,
                      const Event& join,
                      const std::vector<ImportedMember>& members) {
    for (const ImportedMember& member : members) {
        if (member.user == join.sender) continue;
        const auto known =
            services.rooms.find_change(member.user, join.room_id, services.turns.newest());
        if (known && known->event == member.event) continue;
        SIM_SOMETIMES(member.membership == Membership::Join,
                      "a join of ours came through whose answer was lost");
        const StreamPosition position = services.turns.next_position();
        services.rooms.add_change(member.user,
                                  {.room = join.room_id,
                                   .membership = member.membership,
                                   .event = member.event,
                                   .position = position});
        services.notifier.user_changed(member.user, position);
    }
}

}  // namespace

void Room::Data::adopt(const State& state, std::map<ServerName, std::size_t> joined) {
    change_extremities({});
    services.rooms.put_current_state(
        number, services.turns.next_position(), services.states.put(state));
    current = state;
    joined_servers_ = std::move(joined);
}

void Room::Data::adopt_again(const State& state) {
    change_extremities({});
    if (!(state == current)) change_current(state, services.turns.next_position());
}

Task<Result<RoomPtr>> Rooms::enter(JoinedRoom joined) {
    const EventPtr join = joined.join;
    const RoomId room_id = join->room_id;
    const std::optional<StreamPosition> known_at = joined.known_at;
    // The verifier has no state, and outlives the server.
    auto checked = co_await services_.workers.run<Result<CheckedRoom>>(
        runtime::Lane::Signatures,
        [joined = std::move(joined),
         us = services_.server_name,
         verifier = &services_.verifier]() mutable {
            return check_joined_room(std::move(joined), us, *verifier);
        });
    if (!checked) co_return std::unexpected(std::move(checked).error());

    for (auto entry = entering_.find(room_id); entry != entering_.end();
         entry = entering_.find(room_id))
        co_await entry->second->wait();
    entering_.emplace(room_id, std::make_unique<runtime::Signal>());
    const auto known = find(room_id);
    Presence presence = known ? Presence::Left : Presence::Unknown;
    if (known && (*known)->is_server_joined(services_.server_name)) presence = Presence::Joined;
    const storage::RoomNumber number = services_.rooms.find_or_create(room_id, *join->rules);
    RoomImport import(services_, number);
    const bool is_stored = co_await import_room(&import, &*checked, presence);
    SIM_SOMETIMES(!is_stored, "a commit fails while a room is entered");

    // From here to the end nothing waits.
    const std::unique_ptr<runtime::Signal> finished = std::move(entering_.at(room_id));
    entering_.erase(room_id);
    Result<RoomPtr> room = internal_error("the storage failed: the room was not entered");
    const auto newest = membership_at(room_id, join->sender, services_.turns.newest());
    const StreamPosition newest_at = newest ? newest->position : StreamPosition{};
    if (is_stored && known_at && *known_at != newest_at) {
        SIM_SOMETIMES("a membership changes while its room is entered");
        room = forbidden("the user's membership has changed meanwhile");
    } else if (is_stored) {
        room = finish_entering(number, join, checked->before, std::move(checked->joined_servers));
        if (room && !checked->is_whole) {
            SIM_SOMETIMES("a room is entered with a state that has holes");
            (*room)->data().keep_incomplete(join->id, checked->resident);
        }
        if (room && presence == Presence::Unknown) {
            note_own_members(services_, *join, checked->own_members);
        }
    }
    finished->notify_all();
    co_return room;
}

// Where none of our users is, what we knew is old: the join stands for all of it.
Result<RoomPtr> Rooms::finish_entering(storage::RoomNumber number,
                                       const EventPtr& join,
                                       const State& before,
                                       std::map<ServerName, std::size_t> joined_servers) {
    RoomPtr room;
    auto known = find(join->room_id);
    if (known) {
        room = *known;
    } else {
        const storage::RoomRow row{.number = number,
                                   .rules = join->rules,
                                   .current_state = State().root(),
                                   .extremities = {}};
        room = add(std::make_unique<Room::Data>(services_, join->room_id, row));
    }
    Room::Data& data = room->data();
    RETURN_IF_ERROR(data.check_is_stored());
    if (data.find_placed(join->id)) {
        SIM_SOMETIMES("a join came by another way while its room was entered");
        return room;
    }
    if (!known) {
        data.adopt(before, std::move(joined_servers));
    } else if (!room->is_server_joined(services_.server_name)) {
        data.adopt_again(before);
    }
    data.place(join, before, {}, EventOrigin::Peer);
    ++services_.counters.events_received;
    return room;
}

}  // namespace matrix::engine
