#include "refserver/engine/devices/published_keys.h"

#include "refserver/protocol/base64.h"

namespace matrix::engine {

namespace {

constexpr std::size_t kEd25519KeyBytes = 32;
constexpr std::string_view kEd25519Prefix = "ed25519:";

void set_signature(json::Object& by_user, const storage::KeySignature& signature) {
    json::Value& by_key = by_user[signature.signer.view()];
    if (!by_key.is_object()) by_key = json::Object();
    by_key.if_object()->set(signature.signer_key.view(), signature.signature);
}

}  // namespace

void PublishedKeys::complete_signatures(json::Object& key,
                                        const storage::SignedKey& signed_key,
                                        const KeyViewer& viewer) const {
    json::Object seen;
    const json::Value* given = key.find("signatures");
    const json::Object* by_user = given ? given->if_object() : nullptr;
    const json::Value* own = by_user ? by_user->find(signed_key.user.view()) : nullptr;
    if (own && own->is_object()) seen.set(signed_key.user.view(), *own);
    for (const auto& signature : signatures_.list(signed_key, signed_key.user))
        set_signature(seen, signature);
    if (viewer && *viewer != signed_key.user) {
        for (const auto& signature : signatures_.list(signed_key, *viewer))
            set_signature(seen, signature);
    }
    if (given || !seen.empty()) key.set("signatures", std::move(seen));
}

std::vector<storage::DeviceWithKeys> PublishedKeys::list_devices(const UserId& user,
                                                                 const KeyViewer& viewer) const {
    std::vector<storage::DeviceWithKeys> devices = device_keys_.list(user);
    for (storage::DeviceWithKeys& device : devices)
        complete_signatures(device.keys, {user, device.device.text()}, viewer);
    return devices;
}

std::optional<storage::DeviceWithKeys> PublishedKeys::find_device(const UserId& user,
                                                                  const DeviceId& id,
                                                                  const KeyViewer& viewer) const {
    auto device = device_keys_.find(user, id);
    if (device) complete_signatures(device->keys, {user, id.text()}, viewer);
    return device;
}

json::Object PublishedKeys::find_devices(const UserId& user,
                                         const std::vector<DeviceId>& asked,
                                         const KeyViewer& viewer) const {
    json::Object found;
    if (asked.empty()) {
        for (storage::DeviceWithKeys& device : list_devices(user, viewer)) {
            const std::string id = device.device.text();
            found.set(id, with_display_name(std::move(device)));
        }
    }
    for (const DeviceId& id : asked) {
        auto device = find_device(user, id, viewer);
        if (device) found.set(id.view(), with_display_name(*std::move(device)));
    }
    return found;
}

std::optional<json::Object> PublishedKeys::find_signing_key(const UserId& user,
                                                            storage::CrossSigningUsage usage,
                                                            const KeyViewer& viewer) const {
    auto key = signing_keys_.find(user, usage);
    if (!key) return std::nullopt;
    complete_signatures(*key, {user, public_key_of(*key).value_or("")}, viewer);
    return key;
}

json::Object with_display_name(storage::DeviceWithKeys device) {
    if (device.display_name) {
        device.keys.set("unsigned", json::Object{{"device_display_name", *device.display_name}});
    }
    return std::move(device.keys);
}

std::optional<std::string> public_key_of(const json::Object& signing_key) {
    const json::Value* keys = signing_key.find("keys");
    const json::Object* named = keys ? keys->if_object() : nullptr;
    if (!named || named->size() != 1) return std::nullopt;
    const json::Member& key = *named->begin();
    const std::string* text = key.value.if_string();
    if (!text || key.key != std::string(kEd25519Prefix) + *text) return std::nullopt;
    const auto bytes = decode_base64(*text);
    if (!bytes || bytes->size() != kEd25519KeyBytes) return std::nullopt;
    return *text;
}

}  // namespace matrix::engine
