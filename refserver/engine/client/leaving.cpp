// POST /rooms/{roomId}/leave and /rooms/{roomId}/forget.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#leaving-rooms

#include "refserver/base/result_macros.h"
#include "refserver/engine/client/room_access.h"
#include "refserver/engine/client_server.h"

namespace matrix::engine {

Task<Result<Reply>> ClientServer::leave(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomId id, require_room_id(request.path[0], "roomId"));
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body_or_empty());
    ASSIGN_OR_CO_RETURN(const auto reason, optional_string(body, "reason"));
    const UserId& user = request.requester.user;
    const auto membership = services_.rooms.membership(id, user);
    if (!membership) co_return forbidden("you are not in this room");
    // UNSPECIFIED: leaving again changes nothing; a ban is no membership that one can leave.
    if (*membership == Membership::Leave) co_return Reply{};
    if (*membership == Membership::Ban) co_return forbidden("you are banned from this room");

    const auto room = services_.rooms.find(id);
    if (room && (*room)->is_server_joined(services_.options.server_name)) {
        json::Object content = member_content(Membership::Leave, {}, reason);
        CO_RETURN_IF_ERROR(co_await (*room)->submit(member_event(user, user, std::move(content))));
    } else {
        CO_RETURN_IF_ERROR(
            co_await services_.remote_rooms.leave(id, user, list_servers_for(id, user, {})));
    }
    co_return Reply{};
}

Task<Result<Reply>> ClientServer::forget(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomId id, require_room_id(request.path[0], "roomId"));
    const UserId& user = request.requester.user;
    const auto membership = services_.rooms.membership(id, user);
    if (!membership) co_return bad_request("M_UNKNOWN", "you were never in this room");
    if (*membership != Membership::Leave && *membership != Membership::Ban) {
        co_return bad_request("M_UNKNOWN", "a room that you have not left cannot be forgotten");
    }
    services_.rooms.forget(id, user);
    co_return Reply{};
}

}  // namespace matrix::engine
