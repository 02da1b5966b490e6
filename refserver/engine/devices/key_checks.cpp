#include "refserver/engine/devices/key_checks.h"

#include <algorithm>

#include "refserver/base/result_macros.h"
#include "refserver/engine/devices/published_keys.h"
#include "refserver/engine/http_api.h"
#include "refserver/protocol/base64.h"

namespace matrix::engine {

bool is_signed_by(const json::Object& object, const SigningKey& key, const Verifier& verifier) {
    const auto public_key = decode_base64(key.public_key);
    if (!public_key) return false;
    return std::ranges::any_of(list_signatures(object), [&](const SignatureRef& signature) {
        return signature.entity == key.user.view() && signature.key_id == key.id &&
               has_signature(object, signature.signature, *public_key, verifier);
    });
}

bool is_same_but_for_signatures(json::Object one, json::Object other) {
    for (json::Object* object : {&one, &other}) {
        object->erase("signatures");
        object->erase("unsigned");
    }
    return one == other;
}

namespace {

bool holds_strings(const json::Array& array) {
    return std::ranges::all_of(array, [](const json::Value& value) { return value.if_string(); });
}

bool holds_strings(const json::Object& object) {
    return std::ranges::all_of(object,
                               [](const json::Member& member) { return member.value.if_string(); });
}

}  // namespace

Result<void> check_device_keys(const json::Object& keys,
                               const UserId& user,
                               const DeviceId& device,
                               const Verifier& verifier) {
    ASSIGN_OR_RETURN(const std::string user_id, require_string(keys, "user_id"));
    ASSIGN_OR_RETURN(const std::string device_id, require_string(keys, "device_id"));
    if (user_id != user.text()) return invalid_param("device_keys.user_id: expected your own");
    if (device_id != device.text()) {
        return invalid_param("device_keys.device_id: expected that of your access token");
    }
    ASSIGN_OR_RETURN(const auto algorithms, optional_array(keys, "algorithms"));
    if (!algorithms || !holds_strings(*algorithms)) {
        return bad_json("device_keys.algorithms: expected an array of strings");
    }
    ASSIGN_OR_RETURN(const json::Object public_keys, require_object(keys, "keys"));
    ASSIGN_OR_RETURN(const json::Object signatures, require_object(keys, "signatures"));
    if (!holds_strings(public_keys)) return bad_json("device_keys.keys: expected strings");
    const KeyId id("ed25519:" + device.text());
    const json::Value* key = public_keys.find(id.view());
    if (!key) return missing_param("device_keys.keys." + id.text() + ": the key is required");
    if (!is_signed_by(keys, {user, id, *key->if_string()}, verifier)) {
        return bad_request("M_INVALID_SIGNATURE",
                           "device_keys.signatures: expected one by " + id.text());
    }
    return {};
}

Result<std::string> check_signing_key(const json::Object& key,
                                      const UserId& user,
                                      std::string_view usage,
                                      const std::string& field) {
    ASSIGN_OR_RETURN(const std::string user_id, require_string(key, "user_id"));
    if (user_id != user.text()) return invalid_param(field + ".user_id: expected your own");
    ASSIGN_OR_RETURN(const auto usages, optional_array(key, "usage"));
    if (!usages || std::ranges::find(*usages, json::Value(usage)) == usages->end()) {
        return invalid_param(field + ".usage: expected \"" + std::string(usage) + "\" in it");
    }
    auto public_key = public_key_of(key);
    if (!public_key) {
        return invalid_param(field + ".keys: expected one Ed25519 key under ed25519: and itself");
    }
    return *std::move(public_key);
}

}  // namespace matrix::engine
