// POST /rooms/{roomId}/kick.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#leaving-rooms

#include "refserver/engine/client_server.h"

namespace matrix::engine {

Task<Result<Reply>> ClientServer::kick(Request request) {
    // A kick of somebody who is not there would be an event without sense, or an unban.
    return change_membership_of_other(
        std::move(request), Membership::Leave, [](std::optional<Membership> membership) {
            return membership == Membership::Join || membership == Membership::Invite ||
                   membership == Membership::Knock;
        });
}

}  // namespace matrix::engine
