// GET /.well-known/matrix/server: by which name other servers reach this one.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#getwell-knownmatrixserver

#include "refserver/engine/federation_server.h"

namespace matrix::engine {

Task<Result<Reply>> FederationServer::get_well_known(Request) {
    if (!services_.delegated_name) co_return not_found("this server delegates to no other name");
    co_return Reply{.body = json::Object{{"m.server", services_.delegated_name->text()}}};
}

}  // namespace matrix::engine
