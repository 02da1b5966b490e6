// GET /_matrix/federation/v1/make_leave: the template of a leave, or of the refusal of an invite.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#leaving-rooms-rejecting-invites

#include "refserver/base/result_macros.h"
#include "refserver/engine/federation_server.h"

namespace matrix::engine {

Task<Result<Reply>> FederationServer::make_leave(Request request) {
    ASSIGN_OR_CO_RETURN(const UserId user, require_user_of(request.origin, request.path[1]));
    ASSIGN_OR_CO_RETURN(const RoomPtr room, find_resident_room(request.origin, request.path[0]));
    NewEvent leave{.sender = user, .type = "m.room.member", .state_key = user.text()};
    leave.content.set("membership", "leave");
    co_return offer_membership(*room, std::move(leave));
}

}  // namespace matrix::engine
