// GET /_matrix/key/v2/server: our own keys.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#publishing-keys

#include "refserver/engine/federation_server.h"
#include "refserver/engine/peers/key_ring.h"

namespace matrix::engine {

Task<Result<Reply>> FederationServer::get_server_keys(Request) {
    Reply reply;
    reply.body = services_.keys.own_keys();
    co_return reply;
}

}  // namespace matrix::engine
