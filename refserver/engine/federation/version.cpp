// GET /_matrix/federation/v1/version: which program this is.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#server-implementation

#include "refserver/engine/federation_server.h"

namespace matrix::engine {

Task<Result<Reply>> FederationServer::get_version(Request) {
    Reply reply;
    reply.body = json::Object{
        {"server", json::Object{{"name", "Touchstone refserver"}, {"version", "0.1.0"}}}};
    co_return reply;
}

}  // namespace matrix::engine
