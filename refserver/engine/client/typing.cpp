// PUT /rooms/{roomId}/typing/{userId}.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#typing-notifications

#include "refserver/engine/ephemeral/typing.h"

#include <algorithm>

#include "refserver/base/result_macros.h"
#include "refserver/engine/client/room_access.h"
#include "refserver/engine/client_server.h"
#include "refserver/engine/ephemeral/presence.h"

namespace matrix::engine {
namespace {

/// UNSPECIFIED: for clients that type and name no timeout, though the text lets them leave it out
/// only when they stop.
constexpr std::int64_t kTypingTimeoutDefaultMs = 30'000;

}  // namespace

Task<Result<Reply>> ClientServer::put_typing(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomId room_id, require_room_id(request.path[0], "roomId"));
    ASSIGN_OR_CO_RETURN(const UserId user, require_user_id(request.path[1], "userId"));
    if (user != request.requester.user) co_return forbidden("userId: not you");
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(const auto is_typing, optional_boolean(body, "typing"));
    if (!is_typing) co_return missing_param("typing: the field is required");
    ASSIGN_OR_CO_RETURN(const auto timeout_ms, optional_integer(body, "timeout"));
    if (timeout_ms && *timeout_ms < 0) {
        co_return invalid_param("timeout: expected milliseconds, at least 0");
    }
    ASSIGN_OR_CO_RETURN(const RoomPtr room, find_joined_room(services_.rooms, room_id, user));
    if (*is_typing) {
        const runtime::Duration timeout =
            runtime::milliseconds(timeout_ms.value_or(kTypingTimeoutDefaultMs));
        services_.typing.start(*room, user, std::min(timeout, kTypingTimeoutMax));
        services_.presence.note_activity(user);
    } else {
        services_.typing.stop(*room, user);
    }
    co_return Reply{};
}

}  // namespace matrix::engine
