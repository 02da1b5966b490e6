// What registration and login share: the device that a client wants, and the answer with its token.
#pragma once

#include <optional>
#include <string>

#include "refserver/engine/accounts.h"

namespace matrix::engine {

struct NewSession {
    std::optional<std::string> device;
    std::optional<std::string> display_name;
};

/// Of the members `device_id` and `initial_device_display_name`.
Result<NewSession> parse_new_session(const json::Object& body);

/// `user_id`, `access_token` and `device_id`.
json::Object session_body(const Accounts::Session& session);

}  // namespace matrix::engine
