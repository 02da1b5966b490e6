// GET /account/whoami: whose token this is.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#current-account-information

#include "refserver/engine/client_server.h"

namespace matrix::engine {

Task<Result<Reply>> ClientServer::get_whoami(Request request) {
    co_return Reply{.body = json::Object{{"user_id", request.requester.user.text()},
                                         {"device_id", request.requester.device.text()},
                                         {"is_guest", false}}};
}

}  // namespace matrix::engine
