// GET and PUT /presence/{userId}/status.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#presence

#include "refserver/engine/ephemeral/presence.h"

#include "refserver/base/result_macros.h"
#include "refserver/engine/client_server.h"

namespace matrix::engine {
namespace {

/// UNSPECIFIED: all who share a room get it with every sync.
constexpr std::size_t kStatusMessageBytesMax = 2048;

}  // namespace

// UNSPECIFIED: a user of whom nobody has heard anything is offline, rather than 404, as long as he
// shares a room with who asks: clients show him either way.
Task<Result<Reply>> ClientServer::get_presence(Request request) {
    ASSIGN_OR_CO_RETURN(const UserId user, require_user_id(request.path[0], "userId"));
    if (!services_.presence.may_see(request.requester.user, user)) {
        co_return forbidden("userId: you are in no room with this user");
    }
    co_return Reply{.body = services_.presence.content_of(services_.presence.find(user))};
}

Task<Result<Reply>> ClientServer::put_presence(Request request) {
    ASSIGN_OR_CO_RETURN(const UserId user, require_user_id(request.path[0], "userId"));
    if (user != request.requester.user) co_return forbidden("userId: not you");
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(const std::string name, require_string(body, "presence"));
    const auto state = parse_presence_state(name);
    if (!state) {
        co_return invalid_param("presence: expected \"online\", \"offline\" or \"unavailable\"");
    }
    // UNSPECIFIED: without a message the one before is gone, and null is none: servers in use do
    // the same.
    const json::Value* message = body.find("status_msg");
    std::optional<std::string> status_message;
    if (message && !message->is_null()) {
        ASSIGN_OR_CO_RETURN(status_message, optional_string(body, "status_msg"));
    }
    if (status_message && status_message->size() > kStatusMessageBytesMax) {
        co_return invalid_param("status_msg: expected at most " +
                                std::to_string(kStatusMessageBytesMax) + " bytes");
    }
    services_.presence.set(user, request.requester.device, *state, std::move(status_message));
    co_return Reply{};
}

}  // namespace matrix::engine
