// GET, PUT and DELETE /devices, POST /delete_devices.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#device-management

#include "refserver/base/result_macros.h"
#include "refserver/engine/client_server.h"

namespace matrix::engine {
namespace {

/// UNSPECIFIED: how long a name may be. It is told to other servers with each change.
constexpr std::size_t kDisplayNameBytesMax = 255;

// UNIMPLEMENTED: client-server-api, GET /devices: `last_seen_ip` and `last_seen_ts`, both optional.
json::Object describe_device(const storage::Device& device) {
    json::Object object{{"device_id", device.id.text()}};
    if (device.display_name) object.set("display_name", *device.display_name);
    return object;
}

}  // namespace

Task<Result<Reply>> ClientServer::get_devices(Request request) {
    json::Array devices;
    for (const storage::Device& device : services_.accounts.list_devices(request.requester.user))
        devices.emplace_back(describe_device(device));
    co_return Reply{.body = json::Object{{"devices", std::move(devices)}}};
}

Task<Result<Reply>> ClientServer::get_device(Request request) {
    const auto device =
        services_.accounts.find_device(request.requester.user, DeviceId(request.path[0]));
    if (!device) co_return not_found("you have no such device");
    co_return Reply{.body = describe_device(*device)};
}

Task<Result<Reply>> ClientServer::put_device(Request request) {
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(const auto name, optional_string(body, "display_name"));
    if (name && name->size() > kDisplayNameBytesMax) {
        co_return invalid_param("display_name: expected at most 255 bytes");
    }
    const UserId& user = request.requester.user;
    const DeviceId device(request.path[0]);
    if (!services_.accounts.find_device(user, device)) {
        co_return not_found("you have no such device");
    }
    if (name) services_.accounts.rename_device(user, device, *name);
    co_return Reply{};
}

Task<Result<Reply>> ClientServer::delete_device(Request request) {
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body_or_empty());
    CO_RETURN_IF_ERROR(co_await authenticate_again(request.requester.user, body));
    services_.accounts.remove_device(request.requester.user, DeviceId(request.path[0]));
    co_return Reply{};
}

Task<Result<Reply>> ClientServer::delete_devices(Request request) {
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(const auto asked, optional_array(body, "devices"));
    if (!asked) co_return missing_param("devices: the field is required");
    std::vector<DeviceId> devices;
    for (const json::Value& entry : *asked) {
        const std::string* device = entry.if_string();
        if (!device) co_return bad_json("devices: expected device ids");
        devices.emplace_back(*device);
    }
    CO_RETURN_IF_ERROR(co_await authenticate_again(request.requester.user, body));
    for (const DeviceId& device : devices)
        services_.accounts.remove_device(request.requester.user, device);
    co_return Reply{};
}

}  // namespace matrix::engine
