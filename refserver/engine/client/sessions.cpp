#include "refserver/engine/client/sessions.h"

#include "refserver/base/result_macros.h"

namespace matrix::engine {

Result<NewSession> parse_new_session(const json::Object& body) {
    NewSession session;
    ASSIGN_OR_RETURN(session.device, optional_string(body, "device_id"));
    ASSIGN_OR_RETURN(session.display_name, optional_string(body, "initial_device_display_name"));
    // UNSPECIFIED: an empty device id is as good as none; a very long one is refused, because it
    // becomes part of other identifiers.
    if (session.device && session.device->empty()) session.device.reset();
    if (session.device && session.device->size() > kIdBytesMax) {
        return invalid_param("device_id: expected at most 255 bytes");
    }
    return session;
}

json::Object session_body(const Accounts::Session& session) {
    return {{"user_id", session.user.text()},
            {"access_token", session.access_token},
            {"device_id", session.device.text()}};
}

}  // namespace matrix::engine
