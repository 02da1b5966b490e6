// /publicRooms and /directory/list/room/{roomId}: the directory of published rooms, here and
// elsewhere.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#published-room-directory

#include "refserver/base/result_macros.h"
#include "refserver/engine/client/room_access.h"
#include "refserver/engine/client_server.h"

namespace matrix::engine {
namespace {

std::optional<std::string> named_server(const Request& request) {
    const std::string* server = request.find_query("server");
    return server ? std::optional(*server) : std::nullopt;
}

}  // namespace

Task<Result<Reply>> ClientServer::read_public_rooms(DirectoryWish wish,
                                                    std::optional<std::string> server) {
    const ServerName& us = services_.options.server_name;
    Reply reply;
    if (!server || *server == us.view()) {
        ASSIGN_OR_CO_RETURN(reply.body,
                            read_directory(services_.rooms, published_rooms_, wish, us));
        co_return reply;
    }
    auto other = parse_server_name(*server);
    if (!other) co_return invalid_param("server: " + other.error().what);
    ASSIGN_OR_CO_RETURN(
        reply.body,
        co_await services_.federation.query_public_rooms(*std::move(other), wish.to_body()));
    co_return reply;
}

Task<Result<Reply>> ClientServer::get_public_rooms(Request request) {
    ASSIGN_OR_CO_RETURN(DirectoryWish wish, parse_directory_query(request));
    auto server = named_server(request);
    // UNSPECIFIED: who may have us ask another server. Our users: we send nothing for strangers.
    const bool is_ours = !server || *server == services_.options.server_name.view();
    if (!is_ours && request.requester.user.empty()) {
        co_return std::unexpected(
            Error{401, "M_MISSING_TOKEN", "an access token is required to ask a server", {}});
    }
    co_return co_await read_public_rooms(std::move(wish), std::move(server));
}

Task<Result<Reply>> ClientServer::query_public_rooms(Request request) {
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body_or_empty());
    ASSIGN_OR_CO_RETURN(DirectoryWish wish, parse_directory_body(body));
    co_return co_await read_public_rooms(std::move(wish), named_server(request));
}

Task<Result<Reply>> ClientServer::get_room_visibility(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomId id, require_room_id(request.path[0], "roomId"));
    if (!services_.rooms.find(id)) co_return not_found("this server does not know the room");
    const bool is_published = published_rooms_.contains(id);
    co_return Reply{.body = json::Object{{"visibility", is_published ? "public" : "private"}}};
}

Task<Result<Reply>> ClientServer::put_room_visibility(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomId id, require_room_id(request.path[0], "roomId"));
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body_or_empty());
    ASSIGN_OR_CO_RETURN(const auto wanted, optional_string(body, "visibility"));
    const std::string visibility = wanted.value_or("public");
    if (visibility != "public" && visibility != "private") {
        co_return invalid_param("visibility: expected \"public\" or \"private\"");
    }
    const auto room = services_.rooms.find(id);
    if (!room) co_return not_found("this server does not know the room");
    // UNSPECIFIED: whoever may name the room may publish it, and administrators.
    const UserId& user = request.requester.user;
    const HeldAuthState levels = (*room)->power_levels();
    const bool may_name =
        (*room)->membership(user) == Membership::Join &&
        levels.state.level_of(user) >= levels.state.level_to_send("m.room.canonical_alias", true);
    if (!may_name && !request.requester.is_admin) {
        co_return forbidden("this room is not yours to publish");
    }
    if (visibility == "public") {
        published_rooms_.insert(id);
    } else {
        published_rooms_.remove(id);
    }
    co_return Reply{};
}

}  // namespace matrix::engine
