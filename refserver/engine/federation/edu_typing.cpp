// m.typing: a user of another server is typing, or stops.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#typing-notifications

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/ephemeral/typing.h"
#include "refserver/engine/federation_server.h"

namespace matrix::engine {

Result<void> FederationServer::take_typing(const json::Object& content, const ServerName& origin) {
    ASSIGN_OR_RETURN(const std::string room_id, require_string(content, "room_id"));
    ASSIGN_OR_RETURN(const std::string user_text, require_string(content, "user_id"));
    ASSIGN_OR_RETURN(const auto is_typing, optional_boolean(content, "typing"));
    if (!is_typing) return missing_param("typing: the field is required");
    ASSIGN_OR_RETURN(const UserId user, require_user_of(origin, user_text));
    ASSIGN_OR_RETURN(const RoomPtr room, find_resident_room(origin, room_id));
    if (room->membership(user) != Membership::Join) {
        return forbidden("user_id: the user is not in the room");
    }
    if (*is_typing) {
        SIM_SOMETIMES("somebody elsewhere is typing");
        services_.typing.start(*room, user, kRemoteTypingTimeout);
    } else {
        SIM_SOMETIMES("somebody elsewhere stops typing");
        services_.typing.stop(*room, user);
    }
    return {};
}

}  // namespace matrix::engine
