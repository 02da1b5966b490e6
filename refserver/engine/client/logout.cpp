// POST /logout and /logout/all: the end of access tokens and their devices.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3logout

#include "refserver/engine/client_server.h"

namespace matrix::engine {

Task<Result<Reply>> ClientServer::log_out(Request request) {
    services_.accounts.log_out(request.requester);
    co_return Reply{};
}

Task<Result<Reply>> ClientServer::log_out_everywhere(Request request) {
    services_.accounts.log_out_everywhere(request.requester.user);
    co_return Reply{};
}

}  // namespace matrix::engine
