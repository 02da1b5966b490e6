// GET /joined_rooms.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3joined_rooms

#include "refserver/engine/client_server.h"

namespace matrix::engine {

Task<Result<Reply>> ClientServer::get_joined_rooms(Request request) {
    json::Array rooms;
    for (const RoomId& room :
         services_.rooms.list_rooms_of(request.requester.user, Membership::Join)) {
        rooms.push_back(room.text());
    }
    co_return Reply{.body = json::Object{{"joined_rooms", std::move(rooms)}}};
}

}  // namespace matrix::engine
