// POST /knock/{roomIdOrAlias}: asking to be let in.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#knocking-on-rooms

#include "refserver/base/result_macros.h"
#include "refserver/engine/client/room_access.h"
#include "refserver/engine/client_server.h"

namespace matrix::engine {

Task<Result<Reply>> ClientServer::knock(Request request) {
    const UserId& user = request.requester.user;
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body_or_empty());
    ASSIGN_OR_CO_RETURN(const auto reason, optional_string(body, "reason"));
    ASSIGN_OR_CO_RETURN(auto named, co_await find_named_room(request));
    Reply reply{.body = json::Object{{"room_id", named.room.text()}}};
    // UNSPECIFIED: knocking again changes nothing, because a repeated request is no news to anyone.
    if (services_.rooms.membership(named.room, user) == Membership::Knock) co_return reply;

    json::Object content =
        member_content(Membership::Knock, services_.accounts.profile(user), reason);
    const auto room = services_.rooms.find(named.room);
    if (room && (*room)->is_server_joined(services_.options.server_name)) {
        CO_RETURN_IF_ERROR(co_await (*room)->submit(member_event(user, user, std::move(content))));
        co_return reply;
    }
    std::vector<ServerName> servers = list_servers_for(named.room, user, std::move(named.servers));
    if (servers.empty()) {
        co_return not_found("no server is known that is in this room: name one as `via`");
    }
    CO_RETURN_IF_ERROR(co_await services_.remote_rooms.knock(
        named.room, user, std::move(servers), std::move(content)));
    co_return reply;
}

}  // namespace matrix::engine
