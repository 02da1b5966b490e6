// History visibility: who may see which event.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility

#include <algorithm>
#include <utility>

#include "refserver/base/sometimes.h"
#include "refserver/engine/rooms/room_data.h"
#include "refserver/engine/rooms/server_view.h"
#include "refserver/protocol/state_walk.h"

namespace matrix::engine {
namespace {

constexpr std::string_view kMember = "m.room.member";
/// Entries of a state that are looked at in one turn; some have to be read.
constexpr std::size_t kMembersPerTurn = 512;

enum class HistoryVisibility { Invited, Joined, Shared, WorldReadable };

HistoryVisibility visibility_of(const Event& event) {
    const json::Object content = event.parse_content();
    const json::Value* value = content.find("history_visibility");
    const std::string* name = value ? value->if_string() : nullptr;
    if (!name) return HistoryVisibility::Shared;
    if (*name == "invited") return HistoryVisibility::Invited;
    if (*name == "joined") return HistoryVisibility::Joined;
    if (*name == "world_readable") return HistoryVisibility::WorldReadable;
    return HistoryVisibility::Shared;
}

HistoryVisibility visibility_in(const State& state, const Room::Data& room) {
    const EventId* id = state.find("m.room.history_visibility", "");
    const EventPtr event = id ? room.services.events.find_event(*id) : nullptr;
    return event ? visibility_of(*event) : HistoryVisibility::Shared;
}

/// Of the visibilities that hold: two, for the event that changes it.
std::vector<HistoryVisibility> list_visibilities(const StoredEvent& event,
                                                 const State& before,
                                                 const Room::Data& room) {
    std::vector<HistoryVisibility> visibilities{visibility_in(before, room)};
    if (event.event->is("m.room.history_visibility", "")) {
        visibilities.push_back(visibility_of(*event.event));
    }
    return visibilities;
}

/// Rules 1, 2 and 4 of the section.
bool allows(HistoryVisibility visibility, std::optional<Membership> membership) {
    if (visibility == HistoryVisibility::WorldReadable) return true;
    if (membership == Membership::Join) return true;
    return membership == Membership::Invite && visibility == HistoryVisibility::Invited;
}

std::optional<State> load_before(const StoredEvent& event, const Room::Data& room) {
    if (!event.state_before) return std::nullopt;
    return room.services.states.load(*event.state_before);
}

bool is_own_member_event(const Event& event, const UserId& user) {
    return event.is("m.room.member", user.view());
}

}  // namespace

bool Room::may_see(const UserId& user, const StoredEvent& event) const {
    const bool is_shown =
        event.status == EventStatus::Accepted && event.position != StreamPosition{};
    const Data& room = data();
    const auto before = is_shown ? load_before(event, room) : std::nullopt;
    if (!before) return false;

    const auto current = membership_in(room.current, user, room.finder());
    storage::RoomStore& rooms = room.services.rooms;
    if (current != Membership::Join) {
        const auto newest = rooms.find_change(user, room.id, room.services.turns.newest());
        if (newest && newest->is_forgotten) {
            SIM_SOMETIMES("a forgotten room is hidden");
            return false;
        }
    }
    std::vector<std::optional<Membership>> memberships{membership_in(*before, user, room.finder())};
    if (is_own_member_event(*event.event, user)) memberships.push_back(event.event->membership());

    for (const HistoryVisibility visibility : list_visibilities(event, *before, room)) {
        for (const auto& membership : memberships) {
            if (allows(visibility, membership)) return true;
        }
        // Rule 3. Whoever is joined now and was not then has joined since.
        if (visibility != HistoryVisibility::Shared) continue;
        if (current == Membership::Join ||
            rooms.has_change_to(user, room.id, Membership::Join, event.position)) {
            return true;
        }
    }
    return false;
}

ServerView::ServerView(RoomPtr room, ServerName server)
    : room_(std::move(room)), server_(std::move(server)) {}

bool ServerView::is_member_key(const StateKey& key) const {
    return UserId(key.state_key).server() == server_;
}

// Whoever is gone from the state is asked for first: one whose event has changed comes again.
Task<void> ServerView::move_to(State state) {
    std::size_t passed = 0;
    StateWalk gone(at_, state, kMember);
    while (const auto member = gone.next()) {
        if (is_member_key(member->key)) members_.erase(member->key.state_key);
        if (++passed % kMembersPerTurn == 0) co_await room_->data_->end_turn();
    }
    StateWalk come(state, at_, kMember);
    while (const auto member = come.next()) {
        if (is_member_key(member->key)) {
            const EventPtr event = room_->data_->services.events.find_event(member->event_id);
            members_[member->key.state_key] = event ? event->membership() : std::nullopt;
        }
        if (++passed % kMembersPerTurn == 0) co_await room_->data_->end_turn();
    }
    at_ = std::move(state);
}

// UNSPECIFIED: for servers the section says nothing. We ask whether one of the server's users may
// see the event; whether one joined and left since is not known to us, and counts as no.
Task<bool> ServerView::may_see(StoredEvent event) {
    const Room::Data& room = room_->data();
    const auto before = load_before(event, room);
    if (!before) co_return false;
    const auto visibilities = list_visibilities(event, *before, room);
    const auto has = [&](HistoryVisibility visibility) {
        return std::ranges::find(visibilities, visibility) != visibilities.end();
    };
    if (has(HistoryVisibility::WorldReadable)) co_return true;
    if (has(HistoryVisibility::Shared) && room_->is_server_joined(server_)) co_return true;

    SIM_SOMETIMES("a server that is not in the room asks for an event");
    const auto is_allowed = [&](std::optional<Membership> membership) {
        return std::ranges::any_of(visibilities, [&](HistoryVisibility visibility) {
            return allows(visibility, membership);
        });
    };
    const Event& asked = *event.event;
    if (asked.type == kMember && asked.is_state() && UserId(*asked.state_key).server() == server_ &&
        is_allowed(asked.membership())) {
        co_return true;
    }
    co_await move_to(*before);
    co_return std::ranges::any_of(members_,
                                  [&](const auto& member) { return is_allowed(member.second); });
}

Task<bool> ServerView::was_joined_before(EventId event) {
    auto before = room_->state_before(event);
    if (!before) co_return false;
    co_await move_to(*std::move(before));
    co_return std::ranges::any_of(
        members_, [](const auto& member) { return member.second == Membership::Join; });
}

}  // namespace matrix::engine
