// POST /rooms/{roomId}/join and /join/{roomIdOrAlias}: entering a room, here or through others.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#joining-rooms

#include <algorithm>

#include "refserver/base/result_macros.h"
#include "refserver/engine/client/room_access.h"
#include "refserver/engine/client_server.h"
#include "refserver/engine/rooms/room_description.h"

namespace matrix::engine {
namespace {

/// Does a join need somebody who vouches for it, and if so, who of this server can?
struct Voucher {
    bool is_needed = false;
    std::optional<UserId> user;
};

std::optional<UserId> find_inviter(const Room& room, const ServerName& us) {
    const HeldAuthState levels = room.power_levels();
    const std::int64_t invite_level = levels.state.level_for(auth::Action::Invite);
    for (const UserId& member : room.list_members(Membership::Join)) {
        if (member.server() != us) continue;
        if (levels.state.level_of(member) >= invite_level) return member;
    }
    return std::nullopt;
}

Voucher find_voucher(const Room& room, const UserId& user, Rooms& rooms, const ServerName& us) {
    const auto membership = room.membership(user);
    if (!is_restricted(room) || membership == Membership::Invite ||
        membership == Membership::Join) {
        return {};
    }
    const bool is_allowed = std::ranges::any_of(
        list_allowed_rooms(room),
        [&](const RoomId& allowed) { return rooms.membership(allowed, user) == Membership::Join; });
    return {true, is_allowed ? find_inviter(room, us) : std::nullopt};
}

// `via`, and `server_name` of old clients.
Result<std::vector<ServerName>> parse_via(const Request& request) {
    std::vector<ServerName> servers;
    for (const std::string_view name : {"via", "server_name"}) {
        const auto [begin, end] = request.query.equal_range(name);
        for (auto parameter = begin; parameter != end; ++parameter) {
            auto server = parse_server_name(parameter->second);
            if (!server) return invalid_param(std::string(name) + ": " + server.error().what);
            servers.push_back(*std::move(server));
        }
    }
    return servers;
}

}  // namespace

std::vector<ServerName> ClientServer::list_servers_for(const RoomId& room_id,
                                                       const UserId& user,
                                                       std::vector<ServerName> servers) {
    // Whoever invited is in the room; those who were with us in it may still be.
    if (const auto invite = services_.rooms.find_outlier_membership(room_id, user)) {
        servers.push_back(invite->event->sender.server());
        // The event of a knock is our own, and a room id of version 12 names no server: what was
        // shown of the room comes from those who are in it.
        const bool is_knock = invite->event->membership() == Membership::Knock;
        for (const json::Value& shown : is_knock ? invite->stripped_state : json::Array()) {
            const std::string* sender = shown.find_string("sender");
            const auto parsed = parse_user_id(sender ? *sender : "");
            if (parsed) servers.push_back(parsed->server());
        }
    }
    if (const auto room = services_.rooms.find(room_id)) {
        const EventPtr member = (*room)->find_state("m.room.member", user.view());
        if (member) servers.push_back(member->sender.server());
        for (ServerName& server : (*room)->servers())
            servers.push_back(std::move(server));
    }
    if (const auto server = room_id.server()) servers.push_back(*server);

    std::vector<ServerName> unique;
    for (ServerName& server : servers) {
        const bool is_known = std::ranges::find(unique, server) != unique.end();
        if (!is_known && server != services_.options.server_name) {
            unique.push_back(std::move(server));
        }
    }
    return unique;
}

Task<Result<Reply>> ClientServer::join(RoomId room_id,
                                       UserId user,
                                       std::vector<ServerName> via,
                                       std::optional<std::string> reason) {
    const Reply reply{.body = json::Object{{"room_id", room_id.text()}}};
    // UNSPECIFIED: joining again changes nothing, because a repeated request is no news to anyone.
    if (services_.rooms.membership(room_id, user) == Membership::Join) co_return reply;

    json::Object content =
        member_content(Membership::Join, services_.accounts.profile(user), reason);
    const auto room = services_.rooms.find(room_id);
    const ServerName& us = services_.options.server_name;
    if (room && (*room)->is_server_joined(us)) {
        const Voucher voucher = find_voucher(**room, user, services_.rooms, us);
        const bool may_ask_others = (*room)->servers().size() > 1;
        if (!voucher.is_needed || voucher.user || !may_ask_others) {
            if (voucher.user) {
                content.set("join_authorised_via_users_server", voucher.user->text());
            }
            CO_RETURN_IF_ERROR(
                co_await (*room)->submit(member_event(user, user, std::move(content))));
            co_return reply;
        }
    }
    std::vector<ServerName> servers = list_servers_for(room_id, user, std::move(via));
    if (servers.empty()) {
        co_return not_found("no server is known that is in this room: name one as `via`");
    }
    CO_RETURN_IF_ERROR(co_await services_.remote_rooms.join(
        room_id, user, std::move(servers), std::move(content)));
    co_return reply;
}

Task<Result<Reply>> ClientServer::join_room(Request request) {
    ASSIGN_OR_CO_RETURN(RoomId room, require_room_id(request.path[0], "roomId"));
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body_or_empty());
    ASSIGN_OR_CO_RETURN(auto reason, optional_string(body, "reason"));
    // Real clients name servers here, too.
    ASSIGN_OR_CO_RETURN(auto via, parse_via(request));
    co_return co_await join(
        std::move(room), request.requester.user, std::move(via), std::move(reason));
}

Task<Result<FederationClient::AliasedRoom>> ClientServer::find_named_room(Request request) {
    ASSIGN_OR_CO_RETURN(auto via, parse_via(request));
    if (!request.path[0].starts_with('#')) {
        ASSIGN_OR_CO_RETURN(RoomId room, require_room_id(request.path[0], "roomIdOrAlias"));
        co_return FederationClient::AliasedRoom{std::move(room), std::move(via)};
    }
    ASSIGN_OR_CO_RETURN(RoomAlias alias, require_alias(request.path[0], "roomIdOrAlias"));
    ASSIGN_OR_CO_RETURN(auto named, co_await find_aliased_room(std::move(alias)));
    named.servers.insert(named.servers.begin(), via.begin(), via.end());
    co_return named;
}

Task<Result<Reply>> ClientServer::join_room_or_alias(Request request) {
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body_or_empty());
    ASSIGN_OR_CO_RETURN(auto reason, optional_string(body, "reason"));
    ASSIGN_OR_CO_RETURN(auto named, co_await find_named_room(request));
    co_return co_await join(
        std::move(named.room), request.requester.user, std::move(named.servers), std::move(reason));
}

}  // namespace matrix::engine
