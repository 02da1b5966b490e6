// GET /_matrix/federation/v1/query/directory: where an alias of this server leads; and queries of
// types that nobody has specified.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#querying-for-information

#include "refserver/base/result_macros.h"
#include "refserver/engine/federation_server.h"

namespace matrix::engine {

Task<Result<Reply>> FederationServer::query_directory(Request request) {
    const std::string* text = request.find_query("room_alias");
    if (!text) co_return missing_param("room_alias: the parameter is required");
    const auto alias = parse_room_alias(*text);
    if (!alias) co_return invalid_param("room_alias: " + alias.error().what);
    if (alias->server() != services_.server_name) {
        co_return invalid_param("room_alias: not an alias of this server");
    }
    const auto known = aliases_.find(*alias);
    if (!known) co_return not_found("this server has no such alias");
    json::Array servers;
    if (const auto room = services_.rooms.find(known->room)) {
        for (const ServerName& server : (*room)->servers())
            servers.emplace_back(server.text());
    }
    Reply reply;
    reply.body = json::Object{{"room_id", known->room.text()}, {"servers", std::move(servers)}};
    co_return reply;
}

// UNSPECIFIED: what answers a type of query that the server does not know. Each type is an endpoint
// of its own, so we answer as for an endpoint that does not exist.
Task<Result<Reply>> FederationServer::query_other(Request request) {
    co_return std::unexpected(
        Error{404, "M_UNRECOGNIZED", "this server answers no such query: " + request.path[0], {}});
}

}  // namespace matrix::engine
