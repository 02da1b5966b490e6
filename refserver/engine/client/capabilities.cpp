// GET /capabilities: what this server lets its users do.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#capabilities-negotiation

#include "refserver/engine/client_server.h"
#include "refserver/protocol/room_rules.h"

namespace matrix::engine {
namespace {

json::Object capability(bool is_enabled) {
    return {{"enabled", is_enabled}};
}

}  // namespace

Task<Result<Reply>> ClientServer::get_capabilities(Request) {
    json::Object available;
    for (const RoomRules* rules : known_room_rules())
        available.set(rules->version, rules->is_custom() ? "unstable" : "stable");
    json::Object room_versions{{"default", services_.options.default_room_version},
                               {"available", std::move(available)}};
    json::Object capabilities{{"m.3pid_changes", capability(false)},
                              {"m.change_password", capability(false)},
                              {"m.forget_forced_upon_leave", capability(false)},
                              {"m.get_login_token", capability(false)},
                              {"m.profile_fields", capability(true)},
                              {"m.room_versions", std::move(room_versions)},
                              {"m.set_avatar_url", capability(true)},
                              {"m.set_displayname", capability(true)}};
    co_return Reply{.body = json::Object{{"capabilities", std::move(capabilities)}}};
}

}  // namespace matrix::engine
