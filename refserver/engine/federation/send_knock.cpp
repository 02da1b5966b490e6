// PUT /_matrix/federation/v1/send_knock: a remote server brings the knock that it has signed.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#knocking-rooms

#include "refserver/base/result_macros.h"
#include "refserver/engine/federation_server.h"
#include "refserver/engine/rooms/room_preview.h"

namespace matrix::engine {

Task<Result<Reply>> FederationServer::send_knock(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomPtr room, find_resident_room(request.origin, request.path[0]));
    ASSIGN_OR_CO_RETURN(Event knock, take_membership(request, *room, Membership::Knock));
    CO_RETURN_IF_ERROR(co_await admit_membership(room, std::move(knock), request.origin));
    Reply reply;
    reply.body = json::Object{{"knock_room_state", make_preview_state(*room, std::nullopt)}};
    co_return reply;
}

}  // namespace matrix::engine
