// GET /_matrix/federation/v1/make_knock: the template of a knock, for a user of another server.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#knocking-rooms

#include "refserver/base/result_macros.h"
#include "refserver/engine/federation_server.h"

namespace matrix::engine {

Task<Result<Reply>> FederationServer::make_knock(Request request) {
    ASSIGN_OR_CO_RETURN(const UserId user, require_user_of(request.origin, request.path[1]));
    if (!request.find_query("ver")) co_return missing_param("ver: the parameter is required");
    ASSIGN_OR_CO_RETURN(const RoomPtr room, find_resident_room(request.origin, request.path[0]));
    CO_RETURN_IF_ERROR(check_supported_versions(request, *room));
    NewEvent knock{.sender = user, .type = "m.room.member", .state_key = user.text()};
    knock.content.set("membership", "knock");
    co_return offer_membership(*room, std::move(knock));
}

}  // namespace matrix::engine
