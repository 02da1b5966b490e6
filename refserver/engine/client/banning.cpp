// POST /rooms/{roomId}/ban and /rooms/{roomId}/unban.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#banning-users-in-a-room

#include "refserver/base/result_macros.h"
#include "refserver/engine/client/room_access.h"
#include "refserver/engine/client_server.h"

namespace matrix::engine {

Task<Result<Reply>> ClientServer::change_membership_of_other(
    Request request,
    Membership membership,
    bool (*is_sensible)(std::optional<Membership> current)) {
    ASSIGN_OR_CO_RETURN(const RoomId id, require_room_id(request.path[0], "roomId"));
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(const std::string user_text, require_string(body, "user_id"));
    ASSIGN_OR_CO_RETURN(const UserId target, require_user_id(user_text, "user_id"));
    ASSIGN_OR_CO_RETURN(const auto reason, optional_string(body, "reason"));
    const UserId& sender = request.requester.user;
    ASSIGN_OR_CO_RETURN(const RoomPtr room, find_joined_room(services_.rooms, id, sender));
    if (!is_sensible(room->membership(target))) {
        co_return forbidden("user_id: this user's membership of the room is another one");
    }
    CO_RETURN_IF_ERROR(co_await room->submit(
        member_event(sender, target, member_content(membership, {}, reason))));
    co_return Reply{};
}

Task<Result<Reply>> ClientServer::ban(Request request) {
    return change_membership_of_other(
        std::move(request), Membership::Ban, [](std::optional<Membership>) { return true; });
}

Task<Result<Reply>> ClientServer::unban(Request request) {
    return change_membership_of_other(
        std::move(request), Membership::Leave, [](std::optional<Membership> current) {
            return current == Membership::Ban;
        });
}

}  // namespace matrix::engine
