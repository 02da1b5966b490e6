// POST /rooms/{roomId}/invite.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#room-membership

#include "refserver/base/result_macros.h"
#include "refserver/engine/client/room_access.h"
#include "refserver/engine/client_server.h"

namespace matrix::engine {

Task<Result<StoredEvent>> ClientServer::send_invite(RoomPtr room, NewEvent invite) {
    const UserId target(*invite.state_key);
    if (target.server() == services_.options.server_name)
        co_return co_await room->submit(std::move(invite));
    co_return co_await services_.remote_rooms.invite(std::move(room), std::move(invite));
}

Task<Result<Reply>> ClientServer::invite(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomId id, require_room_id(request.path[0], "roomId"));
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    if (body.contains("id_server") || body.contains("address")) {
        co_return std::unexpected(
            Error{403, "M_THREEPID_DENIED", "this server knows no identity servers", {}});
    }
    ASSIGN_OR_CO_RETURN(const std::string user_text, require_string(body, "user_id"));
    ASSIGN_OR_CO_RETURN(const UserId target, require_user_id(user_text, "user_id"));
    ASSIGN_OR_CO_RETURN(const auto reason, optional_string(body, "reason"));
    const UserId& sender = request.requester.user;
    ASSIGN_OR_CO_RETURN(RoomPtr room, find_joined_room(services_.rooms, id, sender));

    json::Object content =
        member_content(Membership::Invite, services_.accounts.profile(target), reason);
    CO_RETURN_IF_ERROR(
        co_await send_invite(std::move(room), member_event(sender, target, std::move(content))));
    co_return Reply{};
}

}  // namespace matrix::engine
