#include "refserver/engine/devices/device_lists.h"

#include "refserver/base/sometimes.h"

namespace matrix::engine {

void DeviceLists::device_changed(const UserId& user, const DeviceId& device) {
    const auto step = lists_.advance(user);
    wake(user, step.stream_id);
    services_.outbox.send_edu(
        {.type = "m.device_list_update", .content = make_update(user, device, step)},
        list_servers(user));
}

void DeviceLists::device_removed(const UserId& user, const DeviceId& device) {
    const auto step = lists_.advance(user);
    wake(user, step.stream_id);
    json::Object content = make_update(user, device, step);
    content.set("deleted", true);
    services_.outbox.send_edu({.type = "m.device_list_update", .content = std::move(content)},
                              list_servers(user));
}

json::Object DeviceLists::make_update(const UserId& user,
                                      const DeviceId& device,
                                      storage::DeviceListStore::Step step) const {
    json::Object content{{"user_id", user.text()},
                         {"device_id", device.text()},
                         {"stream_id", step.stream_id.value}};
    json::Array previous;
    if (step.previous != StreamPosition{}) previous.emplace_back(step.previous.value);
    content.set("prev_id", std::move(previous));
    if (auto found = services_.keys.find_device(user, device, {})) {
        if (found->display_name) content.set("device_display_name", *found->display_name);
        content.set("keys", std::move(found->keys));
    }
    return content;
}

void DeviceLists::signing_keys_changed(const UserId& user) {
    using enum storage::CrossSigningUsage;
    wake(user, lists_.mark_changed(user));
    json::Object content{{"user_id", user.text()}};
    if (auto key = services_.keys.find_signing_key(user, Master, {})) {
        content.set("master_key", *std::move(key));
    }
    if (auto key = services_.keys.find_signing_key(user, SelfSigning, {})) {
        content.set("self_signing_key", *std::move(key));
    }
    // Each has the whole of it, so the newest stands for those that still wait.
    services_.outbox.send_edu({.type = "m.signing_key_update",
                               .content = std::move(content),
                               .replaces_key = user.text()},
                              list_servers(user));
}

void DeviceLists::own_view_changed(const UserId& user) {
    services_.notifier.user_changed(user, services_.turns.newest());
}

void DeviceLists::remote_changed(const UserId& user) {
    wake(user, lists_.mark_changed(user));
}

void DeviceLists::user_joined(const UserId& user,
                              const RoomId& room,
                              std::set<ServerName> servers) {
    servers.erase(services_.server_name);
    if (servers.empty()) return;
    const StreamPosition stream_id = lists_.stream_id(user);
    if (stream_id == StreamPosition{}) return;  // There never was a device to tell of.
    for (const RoomId& other : services_.rooms.list_rooms_of(user, Membership::Join)) {
        if (other == room) continue;
        const auto known = services_.rooms.find(other);
        if (!known) continue;
        std::erase_if(servers,
                      [&](const ServerName& server) { return (*known)->is_server_joined(server); });
        if (servers.empty()) return;
    }
    SIM_SOMETIMES("a server meets the devices of a user who joins");
    const auto devices = services_.keys.list_devices(user, {});
    if (devices.empty()) return;
    // UNSPECIFIED: one update stands for the whole list. It has no `prev_id`, so that its receiver,
    // who knows none of them, asks for the list.
    services_.outbox.send_edu(
        {.type = "m.device_list_update",
         .content = make_update(user, devices.front().device, {stream_id, StreamPosition{}})},
        {servers.begin(), servers.end()});
}

std::vector<ServerName> DeviceLists::list_servers(const UserId& user) const {
    std::set<ServerName> servers;
    for (const RoomId& id : services_.rooms.list_rooms_of(user, Membership::Join)) {
        const auto room = services_.rooms.find(id);
        if (!room) continue;
        for (ServerName& server : (*room)->servers())
            servers.insert(std::move(server));
    }
    servers.erase(services_.server_name);
    return {servers.begin(), servers.end()};
}

void DeviceLists::wake(const UserId& user, StreamPosition position) {
    for (const RoomId& room : services_.rooms.list_rooms_of(user, Membership::Join))
        services_.notifier.room_changed(room, position);
    services_.notifier.user_changed(user, position);
}

}  // namespace matrix::engine
