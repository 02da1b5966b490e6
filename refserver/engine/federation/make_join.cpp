// GET /_matrix/federation/v1/make_join: the template of a join, for a user of another server.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#joining-rooms

#include "refserver/base/result_macros.h"
#include "refserver/engine/federation_server.h"

namespace matrix::engine {
Task<Result<Reply>> FederationServer::make_join(Request request) {
    ASSIGN_OR_CO_RETURN(const UserId user, require_user_of(request.origin, request.path[1]));
    ASSIGN_OR_CO_RETURN(const RoomPtr room, find_resident_room(request.origin, request.path[0]));
    CO_RETURN_IF_ERROR(check_supported_versions(request, *room));
    ASSIGN_OR_CO_RETURN(const std::optional<UserId> authoriser, find_authoriser(*room, user));
    NewEvent join{.sender = user, .type = "m.room.member", .state_key = user.text()};
    join.content.set("membership", "join");
    if (authoriser) join.content.set("join_authorised_via_users_server", authoriser->text());
    co_return offer_membership(*room, std::move(join));
}

}  // namespace matrix::engine
