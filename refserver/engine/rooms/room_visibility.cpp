// History visibility: who may see which event.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility

#include <algorithm>

#include "refserver/base/sometimes.h"
#include "refserver/engine/rooms/room_data.h"

namespace matrix::engine {
namespace {

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

// UNSPECIFIED: for servers the section says nothing. We ask whether one of the server's users may
// see the event; whether one joined and left since is not known to us, and counts as no.
bool Room::may_server_see(const ServerName& server, const StoredEvent& event) const {
    const Data& room = data();
    const auto before = load_before(event, room);
    if (!before) return false;
    const auto visibilities = list_visibilities(event, *before, room);
    const auto has = [&](HistoryVisibility visibility) {
        return std::ranges::find(visibilities, visibility) != visibilities.end();
    };
    if (has(HistoryVisibility::WorldReadable)) return true;
    if (has(HistoryVisibility::Shared) && is_server_joined(server)) return true;

    bool is_allowed = false;
    SIM_SOMETIMES("a server that is not in the room asks for an event");
    const auto ask = [&](const Event& member) {
        if (is_allowed || UserId(*member.state_key).server() != server) return;
        for (const HistoryVisibility visibility : visibilities)
            is_allowed = is_allowed || allows(visibility, member.membership());
    };
    if (event.event->type == "m.room.member" && event.event->is_state()) ask(*event.event);
    before->for_each_of_type("m.room.member", [&](const StateKey& key, const EventId& id) {
        if (is_allowed || UserId(key.state_key).server() != server) return;
        if (const EventPtr member = room.services.events.find_event(id)) ask(*member);
    });
    return is_allowed;
}

bool Room::was_server_joined_before(const ServerName& server, const EventId& event) const {
    const std::optional<State> before = state_before(event);
    if (!before) return false;
    bool is_joined = false;
    before->for_each_of_type("m.room.member", [&](const StateKey& key, const EventId& id) {
        if (is_joined || UserId(key.state_key).server() != server) return;
        const EventPtr member = data().services.events.find_event(id);
        is_joined = member && member->membership() == Membership::Join;
    });
    return is_joined;
}

}  // namespace matrix::engine
