// GET /.well-known/matrix/client: where this server's client API is.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#getwell-knownmatrixclient

#include "refserver/engine/client_server.h"

namespace matrix::engine {

json::Object ClientServer::well_known() const {
    return {{"m.homeserver", json::Object{{"base_url", services_.options.public_url}}}};
}

Task<Result<Reply>> ClientServer::get_well_known(Request) {
    if (services_.options.public_url.empty()) {
        co_return not_found("no public URL is configured for this server");
    }
    co_return Reply{.body = well_known()};
}

}  // namespace matrix::engine
