// PUT /sendToDevice/{eventType}/{txnId}.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#send-to-device-messaging

#include "refserver/base/result_macros.h"
#include "refserver/engine/client_server.h"
#include "refserver/engine/devices/devices.h"

namespace matrix::engine {

Task<Result<Reply>> ClientServer::send_to_device(Request request) {
    const Requester& requester = request.requester;
    const storage::ClientTransaction transaction{
        .user = requester.user,
        .device = requester.device,
        .endpoint = "sendToDevice/" + percent_encode(request.path[0]),
        .transaction_id = request.path[1]};
    if (transactions_.has(transaction)) co_return Reply{};

    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(const json::Object messages, require_object(body, "messages"));
    CO_RETURN_IF_ERROR(services_.devices.messages.send(requester.user, request.path[0], messages));
    transactions_.insert(transaction, services_.clock.now().value);
    co_return Reply{};
}

}  // namespace matrix::engine
