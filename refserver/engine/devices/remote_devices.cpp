#include "refserver/engine/devices/remote_devices.h"

#include <algorithm>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/http_api.h"
#include "refserver/engine/peers/federation_client.h"
#include "refserver/runtime/fault_point.h"

namespace matrix::engine {

namespace {

/// UNSPECIFIED: of a user's devices, those beyond this number are not kept.
constexpr std::size_t kDevicesMax = 1000;
/// Lists that are fetched at once because of updates; others wait until somebody asks for them.
constexpr std::size_t kResyncsMax = 20;
/// How often a list is fetched again because it changed meanwhile.
constexpr int kResyncRoundsMax = 3;
constexpr std::size_t kDeviceKeysBytesMax = 65536;

/// UNSPECIFIED: a longer name than any device has is left out.
std::optional<std::string> take_name(const json::Value& parent, std::string_view field) {
    const std::string* name = parent.find_string(field);
    if (!name || name->size() > kIdBytesMax) return std::nullopt;
    return *name;
}

/// What a peer says are the keys of a device; nothing unless they are that device's.
std::optional<storage::DeviceWithKeys> take_device(const UserId& user,
                                                   std::string_view device,
                                                   const json::Value* keys) {
    if (!keys || !keys->is_object() || device.size() > kIdBytesMax) return std::nullopt;
    const std::string* user_id = keys->find_string("user_id");
    const std::string* device_id = keys->find_string("device_id");
    if (!user_id || *user_id != user.text() || !device_id || *device_id != device) {
        return std::nullopt;
    }
    storage::DeviceWithKeys taken{DeviceId(device), *keys->if_object(), std::nullopt};
    if (const json::Value* extra = keys->find("unsigned")) {
        taken.display_name = take_name(*extra, "device_display_name");
    }
    taken.keys.erase("unsigned");
    if (json::write(taken.keys).size() > kDeviceKeysBytesMax) return std::nullopt;
    return taken;
}

/// The same for a cross-signing key.
std::optional<json::Object> take_signing_key(const UserId& user,
                                             std::string_view usage,
                                             const json::Value* key) {
    if (!key || !key->is_object() || !public_key_of(*key->if_object())) return std::nullopt;
    const std::string* user_id = key->find_string("user_id");
    const json::Array* usages = key->find_array("usage");
    if (!user_id || *user_id != user.text() || !usages ||
        std::ranges::find(*usages, json::Value(usage)) == usages->end() ||
        json::write(*key).size() > kDeviceKeysBytesMax) {
        return std::nullopt;
    }
    json::Object taken = *key->if_object();
    taken.erase("unsigned");
    return taken;
}

/// One user's part of an answer of /user/keys/query.
storage::RemoteDeviceList take_queried(const UserId& user, const json::Object& answer) {
    const auto find_below = [&](std::string_view field) -> const json::Value* {
        const json::Value* by_user = answer.find(field);
        return by_user ? by_user->find(user.view()) : nullptr;
    };
    storage::RemoteDeviceList list;
    list.master_key = take_signing_key(user, "master", find_below("master_keys"));
    list.self_signing_key = take_signing_key(user, "self_signing", find_below("self_signing_keys"));
    const json::Value* devices = find_below("device_keys");
    if (!devices || !devices->is_object()) return list;
    for (const json::Member& member : *devices->if_object()) {
        auto device = take_device(user, member.key, &member.value);
        if (device && list.devices.size() < kDevicesMax) list.devices.push_back(*std::move(device));
    }
    return list;
}

}  // namespace

// --- Asking --------------------------------------------------------------------------------------

bool RemoteDevices::is_tracked(const UserId& user) const {
    return std::ranges::any_of(services_.rooms.list_rooms_of(user, Membership::Join),
                               [&](const RoomId& id) {
                                   const auto room = services_.rooms.find(id);
                                   return room && (*room)->is_server_joined(services_.server_name);
                               });
}

void RemoteDevices::add_known(const DeviceQuery& query,
                              const UserId& viewer,
                              const storage::RemoteDeviceList& list,
                              QueriedKeys& into) const {
    json::Object devices;
    for (const storage::DeviceWithKeys& known : list.devices) {
        const bool is_asked = query.devices.empty() ||
                              std::ranges::find(query.devices, known.device) != query.devices.end();
        if (!is_asked) continue;
        storage::DeviceWithKeys device = known;
        services_.keys.complete_signatures(device.keys, {query.user, device.device.text()}, viewer);
        devices.set(known.device.view(), with_display_name(std::move(device)));
    }
    const std::string_view user = query.user.view();
    into.device_keys.set(user, std::move(devices));
    const auto add_key = [&](const std::optional<json::Object>& known, json::Object& keys) {
        if (!known) return;
        json::Object key = *known;
        services_.keys.complete_signatures(
            key, {query.user, public_key_of(key).value_or("")}, viewer);
        keys.set(user, std::move(key));
    };
    add_key(list.master_key, into.master_keys);
    add_key(list.self_signing_key, into.self_signing_keys);
}

Task<QueriedKeys> RemoteDevices::query(ServerName server,
                                       std::vector<DeviceQuery> queries,
                                       UserId viewer,
                                       runtime::Duration timeout) {
    struct Unknown {
        DeviceQuery query;
        bool is_tracked;
        StreamPosition changed_at;  ///< When we asked.
    };
    QueriedKeys keys;
    std::vector<Unknown> unknown;
    json::Object asked;
    for (DeviceQuery& query : queries) {
        const auto known = store_.find(query.user);
        if (known && !known->is_stale) {
            SIM_SOMETIMES("device keys are known from before");
            add_known(query, viewer, *known, keys);
            continue;
        }
        // All of a user whose changes we are told of, because that can be kept.
        const bool tracked = is_tracked(query.user);
        json::Array devices;
        if (!tracked) {
            for (const DeviceId& device : query.devices)
                devices.emplace_back(device.text());
        }
        asked.set(query.user.view(), std::move(devices));
        const StreamPosition changed_at = services_.lists.changed_at(query.user);
        unknown.push_back({std::move(query), tracked, changed_at});
    }
    if (unknown.empty()) co_return keys;

    const Result<json::Object> answer =
        co_await services_.federation.query_user_keys(server, std::move(asked), timeout);
    if (!answer) {
        SIM_SOMETIMES("another server does not give device keys");
        keys.failure = answer.error();
        co_return keys;
    }
    for (const Unknown& user : unknown) {
        const storage::RemoteDeviceList list = take_queried(user.query.user, *answer);
        add_known(user.query, viewer, list, keys);
        const bool is_current = services_.lists.changed_at(user.query.user) == user.changed_at;
        if (user.is_tracked && is_current && is_tracked(user.query.user)) {
            store_.put(user.query.user, list);
        }
    }
    co_return keys;
}

std::optional<json::Object> RemoteDevices::find_master_key(const UserId& user) const {
    auto list = store_.find(user);
    return list ? std::move(list->master_key) : std::nullopt;
}

// --- Being told ----------------------------------------------------------------------------------

struct RemoteDevices::Update {
    UserId user;
    DeviceId device;
    std::int64_t stream_id = 0;
    std::vector<std::int64_t> previous;
    bool is_deleted = false;
    std::optional<storage::DeviceWithKeys> keys;  ///< Nothing: it has none.
};

namespace {

Result<UserId> require_user_of_origin(const json::Object& content, const ServerName& origin) {
    ASSIGN_OR_RETURN(const std::string text, require_string(content, "user_id"));
    ASSIGN_OR_RETURN(UserId user, require_user_id(text, "user_id"));
    if (user.server() == origin) return user;
    return forbidden("user_id: not a user of " + origin.text());
}

}  // namespace

Result<RemoteDevices::Update> RemoteDevices::parse_update(const json::Object& content,
                                                          const ServerName& origin) const {
    Update update;
    ASSIGN_OR_RETURN(update.user, require_user_of_origin(content, origin));
    ASSIGN_OR_RETURN(const std::string device, require_string(content, "device_id"));
    update.device = DeviceId(device);
    ASSIGN_OR_RETURN(const auto stream_id, optional_integer(content, "stream_id"));
    if (!stream_id || *stream_id < 0)
        return bad_json("stream_id: expected an integer of at least 0");
    update.stream_id = *stream_id;
    ASSIGN_OR_RETURN(const auto previous, optional_array(content, "prev_id"));
    for (const json::Value& entry : previous.value_or(json::Array{})) {
        const std::int64_t* number = entry.if_integer();
        if (!number) return bad_json("prev_id: expected integers");
        update.previous.push_back(*number);
    }
    ASSIGN_OR_RETURN(const auto is_deleted, optional_boolean(content, "deleted"));
    update.is_deleted = is_deleted.value_or(false);
    const json::Value* keys = content.find("keys");
    if (!keys || update.is_deleted) return update;
    update.keys = take_device(update.user, device, keys);
    if (!update.keys) return bad_json("keys: expected those of user_id's device_id");
    update.keys->display_name = take_name(json::Value(content), "device_display_name");
    return update;
}

Result<void> RemoteDevices::take_update(const json::Object& content, const ServerName& origin) {
    ASSIGN_OR_RETURN(const Update update, parse_update(content, origin));
    // Whoever shares no room with us is no business of ours, however often he changes.
    if (!is_tracked(update.user)) {
        SIM_SOMETIMES("devices change of a user who shares no room with us");
        store_.forget(update.user);
        return {};
    }
    const auto known = store_.find(update.user);
    if (known && !known->is_stale && known->stream_id == update.stream_id) {
        SIM_SOMETIMES("a change of devices comes twice");
        return {};  // A repetition.
    }
    services_.lists.remote_changed(update.user);
    if (!known) return {};  // Nobody has asked for this user yet.
    const bool follows = !known->is_stale && known->stream_id && !update.previous.empty() &&
                         std::ranges::max(update.previous) == *known->stream_id;
    if (follows && known->devices.size() < kDevicesMax &&
        !SIM_FAULT_POINT("a device list is fetched again though no step is missing")) {
        SIM_SOMETIMES("a device list is changed by one step");
        apply(update);
    } else {
        store_.mark_stale(update.user);
        SIM_SOMETIMES("a device list lacks a step and is fetched again");
        start_resync(update.user);
    }
    return {};
}

void RemoteDevices::apply(const Update& update) {
    if (update.keys) {
        store_.put_device(update.user, *update.keys);
    } else {
        store_.remove_device(update.user, update.device);
    }
    store_.put_stream_id(update.user, update.stream_id);
}

Result<void> RemoteDevices::take_signing_keys(const json::Object& content,
                                              const ServerName& origin) {
    ASSIGN_OR_RETURN(const UserId user, require_user_of_origin(content, origin));
    const json::Value* master = content.find("master_key");
    const json::Value* self_signing = content.find("self_signing_key");
    const auto master_key = take_signing_key(user, "master", master);
    const auto self_signing_key = take_signing_key(user, "self_signing", self_signing);
    if (master && !master_key) return bad_json("master_key: expected a master key of user_id");
    if (self_signing && !self_signing_key) {
        return bad_json("self_signing_key: expected a self-signing key of user_id");
    }
    if (!is_tracked(user)) {
        store_.forget(user);
        return {};
    }
    services_.lists.remote_changed(user);
    store_.put_signing_keys(user, master_key, self_signing_key);
    return {};
}

void RemoteDevices::user_left(const UserId& user) {
    store_.forget(user);
}

void RemoteDevices::room_left(const RoomId& room) {
    const auto found = services_.rooms.find(room);
    if (!found) return;
    for (const UserId& user : (*found)->list_members(Membership::Join))
        store_.forget(user);
}

// --- Catching up ---------------------------------------------------------------------------------

void RemoteDevices::start_resync(const UserId& user) {
    if (resyncing_.size() >= kResyncsMax || !resyncing_.insert(user).second) return;
    tasks_.start(resync(user));
}

// What fails leaves the list stale: whoever asks for the user's keys next has them fetched.
Task<void> RemoteDevices::resync(UserId user) {
    for (int round = 0; round < kResyncRoundsMax; ++round) {
        const StreamPosition changed_at = services_.lists.changed_at(user);
        const auto list = co_await fetch_list(user);
        if (!list) {
            SIM_SOMETIMES("a device list cannot be fetched");
            services_.log.info(
                "devices", "resync_failed user=" + user.text() + " why=" + list.error().message);
            break;
        }
        if (services_.lists.changed_at(user) != changed_at) {
            SIM_SOMETIMES("a device list changes while it is fetched");
            continue;
        }
        if (store_.find(user) && is_tracked(user)) store_.put(user, *list);
        break;
    }
    resyncing_.erase(user);
}

Task<Result<storage::RemoteDeviceList>> RemoteDevices::fetch_list(UserId user) {
    ASSIGN_OR_CO_RETURN(const json::Object answer,
                        co_await services_.federation.get_user_devices(user));
    const json::Value body(answer);
    const std::string* user_id = body.find_string("user_id");
    const std::int64_t* stream_id = body.find_integer("stream_id");
    const json::Array* devices = body.find_array("devices");
    if (!user_id || *user_id != user.text() || !stream_id || !devices) {
        co_return bad_gateway("expected user_id, stream_id and devices");
    }
    storage::RemoteDeviceList list;
    list.stream_id = *stream_id;
    list.master_key = take_signing_key(user, "master", body.find("master_key"));
    list.self_signing_key = take_signing_key(user, "self_signing", body.find("self_signing_key"));
    for (const json::Value& entry : *devices) {
        const std::string* id = entry.find_string("device_id");
        auto device = id ? take_device(user, *id, entry.find("keys")) : std::nullopt;
        if (!device || list.devices.size() >= kDevicesMax) continue;
        device->display_name = take_name(entry, "device_display_name");
        list.devices.push_back(*std::move(device));
    }
    co_return list;
}

}  // namespace matrix::engine
