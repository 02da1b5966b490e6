// m.presence: users of another server come, go and do things.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#presence

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/ephemeral/presence.h"
#include "refserver/engine/federation_server.h"

namespace matrix::engine {
namespace {

/// UNSPECIFIED: how many users one EDU may speak of.
constexpr std::size_t kPresencePerEduMax = 1000;
constexpr std::size_t kRemoteStatusBytesMax = 10'000;

// UNSPECIFIED: a time of activity may be absent although the schema requires it, because servers in
// use leave it out for users who were never active.
Result<PresenceRow> read_presence(const UserId& user,
                                  const json::Object& update,
                                  std::int64_t now) {
    ASSIGN_OR_RETURN(const std::string name, require_string(update, "presence"));
    const auto state = parse_presence_state(name);
    if (!state) return bad_json("presence: expected online, offline or unavailable");
    PresenceRow row{.user = user, .state = *state};
    ASSIGN_OR_RETURN(const auto ago_ms, optional_integer(update, "last_active_ago"));
    if (ago_ms && *ago_ms < 0) return bad_json("last_active_ago: expected at least 0");
    if (ago_ms) row.last_active_ts = now - *ago_ms;
    ASSIGN_OR_RETURN(const auto is_active, optional_boolean(update, "currently_active"));
    row.is_currently_active = is_active.value_or(false);
    const json::Value* message = update.find("status_msg");
    if (message && !message->is_null()) {
        ASSIGN_OR_RETURN(row.status_message, optional_string(update, "status_msg"));
        if (row.status_message->size() > kRemoteStatusBytesMax) {
            return bad_json("status_msg: expected at most " +
                            std::to_string(kRemoteStatusBytesMax) + " bytes");
        }
    }
    return row;
}

}  // namespace

Result<void> FederationServer::take_presence_of_user(const json::Value& value,
                                                     const ServerName& origin) {
    const json::Object* update = value.if_object();
    if (!update) return bad_json("push: expected an array of objects");
    ASSIGN_OR_RETURN(const std::string user_text, require_string(*update, "user_id"));
    ASSIGN_OR_RETURN(const UserId user, require_user_of(origin, user_text));
    ASSIGN_OR_RETURN(PresenceRow row, read_presence(user, *update, services_.clock.now().value));
    // Nobody here could see it.
    if (!services_.presence.is_of_interest(user)) {
        SIM_SOMETIMES("somebody is present who is nobody's business");
        return {};
    }
    SIM_SOMETIMES("somebody elsewhere is present");
    services_.presence.receive(std::move(row));
    return {};
}

Result<void> FederationServer::take_presence(const json::Object& content,
                                             const ServerName& origin) {
    ASSIGN_OR_RETURN(const auto push, optional_array(content, "push"));
    if (!push) return missing_param("push: the field is required");
    if (push->size() > kPresencePerEduMax) {
        return invalid_param("push: expected at most " + std::to_string(kPresencePerEduMax));
    }
    Result<void> result;
    for (const json::Value& update : *push) {
        auto taken = take_presence_of_user(update, origin);
        if (!taken) result = std::move(taken);
    }
    return result;
}

}  // namespace matrix::engine
