// GET /_matrix/federation/v1/user/devices: the devices of a user of ours, with their keys.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#device-management

#include "refserver/base/result_macros.h"
#include "refserver/engine/devices/devices.h"
#include "refserver/engine/federation_server.h"

namespace matrix::engine {

Result<UserId> FederationServer::require_own_user(std::string_view text,
                                                  std::string_view what) const {
    ASSIGN_OR_RETURN(UserId user, require_user_id(text, what));
    if (user.server() == services_.server_name) return user;
    return invalid_param(std::string(what) + ": not a user of this server: " + user.text());
}

Task<Result<Reply>> FederationServer::get_user_devices(Request request) {
    ASSIGN_OR_CO_RETURN(const UserId user, require_own_user(request.path[0], "userId"));
    if (!services_.is_local_user(user)) co_return not_found("there is no such user");
    json::Array devices;
    for (storage::DeviceWithKeys& device : services_.devices.keys.list_devices(user, {})) {
        json::Object entry{{"device_id", device.device.text()}, {"keys", std::move(device.keys)}};
        if (device.display_name) entry.set("device_display_name", *device.display_name);
        devices.emplace_back(std::move(entry));
    }
    json::Object body{{"user_id", user.text()},
                      {"stream_id", services_.devices.lists.stream_id(user).value},
                      {"devices", std::move(devices)}};
    using enum storage::CrossSigningUsage;
    if (auto key = services_.devices.keys.find_signing_key(user, Master, {}))
        body.set("master_key", *std::move(key));
    if (auto key = services_.devices.keys.find_signing_key(user, SelfSigning, {})) {
        body.set("self_signing_key", *std::move(key));
    }
    Reply reply;
    reply.body = std::move(body);
    co_return reply;
}

}  // namespace matrix::engine
