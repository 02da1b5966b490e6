// GET and POST /_matrix/federation/v1/publicRooms: the rooms that this server publishes.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#published-room-directory

#include "refserver/engine/rooms/public_rooms.h"

#include "refserver/base/result_macros.h"
#include "refserver/engine/federation_server.h"

namespace matrix::engine {

Task<Result<Reply>> FederationServer::get_public_rooms(Request request) {
    ASSIGN_OR_CO_RETURN(const DirectoryWish wish, parse_directory_query(request));
    Reply reply;
    ASSIGN_OR_CO_RETURN(
        reply.body, read_directory(services_.rooms, published_rooms_, wish, services_.server_name));
    co_return reply;
}

Task<Result<Reply>> FederationServer::query_public_rooms(Request request) {
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(const DirectoryWish wish, parse_directory_body(body));
    Reply reply;
    ASSIGN_OR_CO_RETURN(
        reply.body, read_directory(services_.rooms, published_rooms_, wish, services_.server_name));
    co_return reply;
}

}  // namespace matrix::engine
