// /directory/room/{roomAlias} and /rooms/{roomId}/aliases: names of rooms, here and elsewhere.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#room-aliases

#include <algorithm>

#include "refserver/base/result_macros.h"
#include "refserver/engine/client/room_access.h"
#include "refserver/engine/client_server.h"

namespace matrix::engine {

Result<RoomAlias> require_alias(std::string_view text, std::string_view what) {
    auto alias = parse_room_alias(text);
    if (!alias) return invalid_param(std::string(what) + ": " + alias.error().what);
    return *std::move(alias);
}

Task<Result<FederationClient::AliasedRoom>> ClientServer::find_aliased_room(RoomAlias alias) {
    const ServerName& us = services_.options.server_name;
    if (alias.server() != us) {
        co_return co_await services_.federation.query_directory(alias.server(), alias);
    }
    const auto known = aliases_.find(alias);
    if (!known) co_return not_found("no room of this alias is known here");
    FederationClient::AliasedRoom aliased{known->room, {us}};
    if (const auto room = services_.rooms.find(known->room)) {
        for (ServerName& server : (*room)->servers()) {
            if (server != us) aliased.servers.push_back(std::move(server));
        }
    }
    co_return aliased;
}

Task<Result<Reply>> ClientServer::get_alias(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomAlias alias, require_alias(request.path[0], "roomAlias"));
    ASSIGN_OR_CO_RETURN(const auto aliased, co_await find_aliased_room(alias));
    json::Array servers;
    for (const ServerName& server : aliased.servers)
        servers.push_back(server.text());
    co_return Reply{
        .body = json::Object{{"room_id", aliased.room.text()}, {"servers", std::move(servers)}}};
}

Task<Result<Reply>> ClientServer::put_alias(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomAlias alias, require_alias(request.path[0], "roomAlias"));
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(const std::string room_text, require_string(body, "room_id"));
    ASSIGN_OR_CO_RETURN(const RoomId room, require_room_id(room_text, "room_id"));
    if (alias.server() != services_.options.server_name) {
        co_return invalid_param("roomAlias: expected an alias of this server");
    }
    CO_RETURN_IF_ERROR(find_joined_room(services_.rooms, room, request.requester.user));
    if (aliases_.find(alias)) {
        co_return std::unexpected(Error{409, "M_UNKNOWN", "this alias exists already", {}});
    }
    aliases_.insert(alias, room, request.requester.user);
    co_return Reply{};
}

Task<Result<Reply>> ClientServer::delete_alias(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomAlias alias, require_alias(request.path[0], "roomAlias"));
    const auto known = aliases_.find(alias);
    if (!known) co_return not_found("this server has no such alias");
    const UserId& user = request.requester.user;
    bool may_delete = known->creator == user || request.requester.is_admin;
    if (!may_delete) {
        // UNSPECIFIED: besides its creator, whoever may name the room may delete an alias of it.
        if (const auto room = services_.rooms.find(known->room)) {
            const HeldAuthState levels = (*room)->power_levels();
            may_delete = (*room)->membership(user) == Membership::Join &&
                         levels.state.level_of(user) >=
                             levels.state.level_to_send("m.room.canonical_alias", true);
        }
    }
    if (!may_delete) co_return forbidden("this alias is not yours to delete");
    aliases_.remove(alias);
    co_return Reply{};
}

Task<Result<Reply>> ClientServer::get_room_aliases(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomId id, require_room_id(request.path[0], "roomId"));
    ASSIGN_OR_CO_RETURN(const RoomView view,
                        view_room(services_.rooms, id, request.requester.user));
    if (view.until) co_return forbidden("you are not in this room");
    json::Array aliases;
    for (const RoomAlias& alias : aliases_.list(id))
        aliases.push_back(alias.text());
    co_return Reply{.body = json::Object{{"aliases", std::move(aliases)}}};
}

}  // namespace matrix::engine
