// PUT /_matrix/federation/v2/send_leave: a remote server brings the leave that it has signed.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#leaving-rooms-rejecting-invites

#include "refserver/base/result_macros.h"
#include "refserver/engine/federation_server.h"

namespace matrix::engine {

Task<Result<Reply>> FederationServer::send_leave(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomPtr room, find_resident_room(request.origin, request.path[0]));
    ASSIGN_OR_CO_RETURN(Event leave, take_membership(request, *room, Membership::Leave));
    CO_RETURN_IF_ERROR(co_await admit_membership(room, std::move(leave), request.origin));
    co_return Reply{};
}

}  // namespace matrix::engine
