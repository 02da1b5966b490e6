// GET /_matrix/federation/v1/hierarchy: a space and its children, as far as the origin may see.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#spaces

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>

#include "refserver/base/result_macros.h"
#include "refserver/engine/federation_server.h"
#include "refserver/engine/rooms/room_description.h"
#include "refserver/engine/rooms/room_preview.h"

namespace matrix::engine {
namespace {

constexpr std::size_t kChildrenMax = 500;
constexpr std::size_t kOrderBytesMax = 50;

bool has_user_of(const Room& room, const ServerName& server, Membership membership) {
    return std::ranges::any_of(room.list_members(membership),
                               [&](const UserId& user) { return user.server() == server; });
}

/// A child of a space, with what it is ordered by.
struct SpaceChild {
    std::string order;  ///< Empty: none that is valid; then it comes after those that have one.
    std::int64_t added_ts = 0;
    RoomId room;
    EventPtr event;
    bool is_suggested = false;
};

bool is_valid_order(std::string_view order) {
    return !order.empty() && order.size() <= kOrderBytesMax &&
           std::ranges::all_of(order, [](char c) { return c >= 0x20 && c <= 0x7E; });
}

// Nothing if the event names no child, for example because it was removed.
std::optional<SpaceChild> read_child(const EventPtr& event) {
    const auto room = parse_room_id(event->state_key.value_or(""));
    const json::Value content(event->parse_content());
    const json::Array* via = content.find_array("via");
    if (!room || !via || via->empty()) return std::nullopt;
    if (!std::ranges::all_of(*via, [](const json::Value& name) { return name.if_string(); })) {
        return std::nullopt;
    }
    SpaceChild child{.added_ts = event->origin_server_ts, .room = *room, .event = event};
    const std::string* order = content.find_string("order");
    if (order && is_valid_order(*order)) child.order = *order;
    const bool* suggested = content.find_boolean("suggested");
    child.is_suggested = suggested && *suggested;
    return child;
}

// In the order in which clients show them, no more than we answer with.
std::vector<SpaceChild> list_children(const Room& room, bool suggested_only) {
    std::vector<SpaceChild> children;
    if (room_type(room) != "m.space") return children;
    room.current_state().for_each_of_type("m.space.child", [&](const StateKey&, const EventId& id) {
        const auto stored = room.find_event(id);
        auto child = stored ? read_child(stored->event) : std::nullopt;
        if (child && (child->is_suggested || !suggested_only)) {
            children.push_back(*std::move(child));
        }
    });
    using Key = std::tuple<bool, const std::string&, std::int64_t, const RoomId&>;
    std::ranges::sort(children, {}, [](const SpaceChild& child) {
        return Key(child.order.empty(), child.order, child.added_ts, child.room);
    });
    if (children.size() > kChildrenMax) children.resize(kChildrenMax);
    return children;
}

json::Object describe_space(const Room& room, const std::vector<SpaceChild>& children) {
    json::Object described = describe_room_of_hierarchy(room);
    json::Array events;
    for (const SpaceChild& child : children) {
        json::Object event = stripped_form(*child.event);
        event.set("origin_server_ts", child.added_ts);
        events.emplace_back(std::move(event));
    }
    described.set("children_state", std::move(events));
    return described;
}

}  // namespace

// UNSPECIFIED: which rooms a server "could feasibly peek/join". Those that anybody may enter, knock
// on or read, those in which it has a member or an invite, and restricted ones whose condition one
// of its users fulfils as far as we see.
bool FederationServer::is_accessible_to(const ServerName& server, const Room& room) const {
    if (!room.is_server_joined(services_.server_name) || !room.is_server_allowed(server)) {
        return false;
    }
    const EventPtr rules = room.find_state("m.room.join_rules", "");
    const auto* content = rules ? rules->find_content<JoinRulesContent>() : nullptr;
    const JoinRule rule = content ? content->join_rule : JoinRule::Invite;
    const bool admits_knocks =
        (rule == JoinRule::Knock && room.rules().has_knock) ||
        (rule == JoinRule::KnockRestricted && room.rules().has_knock_restricted);
    if (rule == JoinRule::Public || admits_knocks || is_world_readable(room)) return true;
    if (room.is_server_joined(server) || has_user_of(room, server, Membership::Invite)) return true;
    if (!is_restricted(room)) return false;
    return std::ranges::any_of(list_allowed_rooms(room), [&](const RoomId& id) {
        const Result<RoomPtr> allowed = services_.rooms.find(id);
        return allowed && (*allowed)->is_server_joined(services_.server_name) &&
               (*allowed)->is_server_joined(server);
    });
}

Task<Result<Reply>> FederationServer::get_hierarchy(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomId id, require_room_id(request.path[0], "roomId"));
    ASSIGN_OR_CO_RETURN(const bool suggested_only, request.boolean_query("suggested_only", false));
    const Result<RoomPtr> space = services_.rooms.find(id);
    if (!space || !is_accessible_to(request.origin, **space)) {
        co_return not_found("there is no such room, or it is closed to your server");
    }
    const std::vector<SpaceChild> listed = list_children(**space, suggested_only);
    json::Array children;
    json::Array inaccessible;
    for (const SpaceChild& child : listed) {
        const Result<RoomPtr> room = services_.rooms.find(child.room);
        // Of what we do not see others may know more.
        if (!room || !(*room)->is_server_joined(services_.server_name)) continue;
        if (is_accessible_to(request.origin, **room)) {
            children.emplace_back(describe_room_of_hierarchy(**room));
        } else {
            inaccessible.emplace_back(child.room.text());
        }
    }
    Reply reply;
    reply.body = json::Object{{"room", describe_space(**space, listed)},
                              {"children", std::move(children)},
                              {"inaccessible_children", std::move(inaccessible)}};
    co_return reply;
}

}  // namespace matrix::engine
