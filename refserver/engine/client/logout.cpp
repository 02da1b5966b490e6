// POST /logout and /logout/all: the end of access tokens and their devices.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3logout

#include "refserver/engine/client_server.h"

namespace matrix::engine {

Task<Result<Reply>> ClientServer::log_out(Request request) {
    services_.accounts.remove_device(request.requester.user, request.requester.device);
    co_return Reply{};
}

Task<Result<Reply>> ClientServer::log_out_everywhere(Request request) {
    const UserId& user = request.requester.user;
    for (const storage::Device& device : services_.accounts.list_devices(user))
        services_.accounts.remove_device(user, device.id);
    co_return Reply{};
}

}  // namespace matrix::engine
