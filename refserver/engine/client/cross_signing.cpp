// POST /keys/device_signing/upload and /keys/signatures/upload.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#cross-signing

#include <array>

#include "refserver/base/result_macros.h"
#include "refserver/engine/client_server.h"
#include "refserver/engine/devices/devices.h"
#include "refserver/engine/devices/key_checks.h"

namespace matrix::engine {

using storage::CrossSigningUsage;

namespace {

struct SigningKeyField {
    std::string_view field;
    std::string_view usage_name;
    CrossSigningUsage usage;
};
constexpr std::array kSigningKeyFields{
    SigningKeyField{"master_key", "master", CrossSigningUsage::Master},
    SigningKeyField{"self_signing_key", "self_signing", CrossSigningUsage::SelfSigning},
    SigningKeyField{"user_signing_key", "user_signing", CrossSigningUsage::UserSigning},
};

/// How many keys one request may bring signatures for: to check them is work.
constexpr std::size_t kSignedKeysMax = 100;
constexpr std::size_t kSignaturesPerKeyMax = 20;

KeyId ed25519_key(std::string_view name) {
    return KeyId("ed25519:" + std::string(name));
}

std::unexpected<Error> invalid_signature(std::string message) {
    return bad_request("M_INVALID_SIGNATURE", std::move(message));
}

}  // namespace

// --- The keys ------------------------------------------------------------------------------------

struct ClientServer::NewSigningKey {
    CrossSigningUsage usage;
    std::string field;
    std::string public_key;
    json::Object key;
};

Result<std::vector<ClientServer::NewSigningKey>> ClientServer::parse_signing_keys(
    const json::Object& body, const UserId& user) const {
    std::vector<NewSigningKey> keys;
    for (const auto& [field_name, usage_name, usage] : kSigningKeyFields) {
        const std::string field(field_name);
        ASSIGN_OR_RETURN(auto key, optional_object(body, field));
        if (!key) continue;
        key->erase("unsigned");
        ASSIGN_OR_RETURN(std::string public_key, check_signing_key(*key, user, usage_name, field));
        if (services_.accounts.find_device(user, DeviceId(public_key))) {
            return forbidden(field + ".keys: it is the id of one of your devices");
        }
        keys.push_back({usage, field, std::move(public_key), *std::move(key)});
    }
    return keys;
}

Result<void> ClientServer::check_master_signed(const std::vector<NewSigningKey>& keys,
                                               const UserId& user) const {
    std::optional<std::string> master;
    if (const auto known = signing_keys_.find(user, CrossSigningUsage::Master)) {
        master = public_key_of(*known);
    }
    for (const NewSigningKey& key : keys) {
        if (key.usage == CrossSigningUsage::Master) master = key.public_key;
    }
    if (!master) return missing_param("master_key: you have none, and it is required first");
    for (const NewSigningKey& key : keys) {
        if (key.usage == CrossSigningUsage::Master) continue;
        if (!is_signed_by(
                key.key, {user, ed25519_key(*master), *master}, *services_.options.verifier)) {
            return invalid_signature(key.field + ".signatures: expected one by the master key");
        }
    }
    return {};
}

// "The request contains no new keys", or there is no master key that somebody could take away.
bool ClientServer::may_publish_freely(const std::vector<NewSigningKey>& keys,
                                      const UserId& user) const {
    if (!signing_keys_.find(user, CrossSigningUsage::Master)) return true;
    for (const NewSigningKey& key : keys) {
        const auto known = signing_keys_.find(user, key.usage);
        if (!known || public_key_of(*known) != key.public_key) return false;
    }
    return true;
}

void ClientServer::publish_signing_key(const NewSigningKey& key, const UserId& user) {
    const auto known = signing_keys_.find(user, key.usage);
    const auto known_public = known ? public_key_of(*known) : std::nullopt;
    if (known_public && *known_public != key.public_key) {
        // What the old key vouched for, and who vouched for it, is over.
        key_signatures_.remove_on({user, *known_public});
        key_signatures_.remove_by(user, ed25519_key(*known_public));
    }
    signing_keys_.put(user, key.usage, key.key);
}

Task<Result<Reply>> ClientServer::upload_signing_keys(Request request) {
    const UserId user = request.requester.user;
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(const std::vector<NewSigningKey> keys, parse_signing_keys(body, user));
    CO_RETURN_IF_ERROR(check_master_signed(keys, user));
    if (!may_publish_freely(keys, user)) {
        CO_RETURN_IF_ERROR(co_await authenticate_again(user, body));
        // Another request may have come first while the password was checked.
        CO_RETURN_IF_ERROR(check_master_signed(keys, user));
    }
    for (const NewSigningKey& key : keys)
        publish_signing_key(key, user);
    if (!keys.empty()) services_.devices.lists.signing_keys_changed(user);
    co_return Reply{};
}

// --- Signatures ----------------------------------------------------------------------------------

struct ClientServer::SignedItem {
    storage::SignedKey key;
    std::vector<storage::KeySignature> fresh;  ///< Verified, and not known yet.
};

namespace {

/// The text of one signature under a key; null if it is not there.
const std::string* find_signature(const json::Object& object,
                                  std::string_view signer,
                                  std::string_view key) {
    const json::Value* signatures = object.find("signatures");
    const json::Value* by_key = signatures ? signatures->find(signer) : nullptr;
    return by_key ? by_key->find_string(key) : nullptr;
}

}  // namespace

std::optional<json::Object> ClientServer::find_signable_key(const storage::SignedKey& key,
                                                            const UserId& viewer) const {
    const PublishedKeys& published = services_.devices.keys;
    if (key.user.server() != services_.options.server_name) {
        auto master = services_.devices.remote.find_master_key(key.user);
        if (!master || public_key_of(*master) != key.key_id) return std::nullopt;
        published.complete_signatures(*master, key, viewer);
        return master;
    }
    if (key.user == viewer) {
        if (auto device = published.find_device(viewer, DeviceId(key.key_id), viewer)) {
            return std::move(device->keys);
        }
    }
    auto master = published.find_signing_key(key.user, CrossSigningUsage::Master, viewer);
    if (!master || public_key_of(*master) != key.key_id) return std::nullopt;
    return master;
}

// A device is vouched for by the self-signing key, one's own master key by one's devices, another's
// by the user-signing key: other signatures would be shown to nobody.
std::optional<SigningKey> ClientServer::find_own_signer(const storage::SignedKey& key,
                                                        const UserId& user,
                                                        const KeyId& signer) const {
    const auto find = [&](CrossSigningUsage usage) -> std::optional<SigningKey> {
        const auto known = signing_keys_.find(user, usage);
        const auto public_key = known ? public_key_of(*known) : std::nullopt;
        if (!public_key || ed25519_key(*public_key) != signer) return std::nullopt;
        return SigningKey{user, signer, *public_key};
    };
    if (key.user != user) return find(CrossSigningUsage::UserSigning);
    if (device_keys_.find(user, DeviceId(key.key_id))) {
        return find(CrossSigningUsage::SelfSigning);
    }
    constexpr std::string_view kAlgorithm = "ed25519:";
    if (!signer.view().starts_with(kAlgorithm)) return std::nullopt;
    const DeviceId id(signer.view().substr(kAlgorithm.size()));
    const auto device = device_keys_.find(user, id);
    const json::Value* keys = device ? device->keys.find("keys") : nullptr;
    const std::string* public_key = keys ? keys->find_string(signer.view()) : nullptr;
    if (!public_key) return std::nullopt;
    return SigningKey{user, signer, *public_key};
}

Result<ClientServer::SignedItem> ClientServer::check_signed_item(const storage::SignedKey& key,
                                                                 const json::Value& value,
                                                                 const UserId& user) const {
    const json::Object* object = value.if_object();
    if (!object) return bad_json("expected an object");
    const auto known = find_signable_key(key, user);
    if (!known) return not_found("you see no key of this id that you could sign");
    if (!is_same_but_for_signatures(*known, *object)) {
        return invalid_param("expected the key as it was published, but for its signatures");
    }
    const std::vector<SignatureRef> signatures = list_signatures(*object);
    if (signatures.size() > kSignaturesPerKeyMax) {
        return invalid_param("signatures: expected at most 20");
    }
    SignedItem item{key, {}};
    bool has_own = false;
    for (const SignatureRef& signature : signatures) {
        const std::string* given =
            find_signature(*object, signature.entity, signature.key_id.view());
        const std::string* before =
            find_signature(*known, signature.entity, signature.key_id.view());
        has_own = has_own || signature.entity == user.view();
        if (given && before && *given == *before) continue;
        const auto signer = signature.entity == user.view()
                                ? find_own_signer(key, user, signature.key_id)
                                : std::nullopt;
        if (!given || !signer || !is_signed_by(*object, *signer, *services_.options.verifier)) {
            return invalid_signature("signatures." + signature.entity + "." +
                                     signature.key_id.text() +
                                     ": expected a valid one by a key of yours");
        }
        item.fresh.push_back({user, signature.key_id, *given});
    }
    if (!has_own) return invalid_signature("signatures: expected one of yours");
    return item;
}

void ClientServer::publish_signatures(const SignedItem& item, const UserId& user) {
    if (item.fresh.empty()) return;
    for (const storage::KeySignature& signature : item.fresh)
        key_signatures_.put(item.key, signature);
    DeviceLists& lists = services_.devices.lists;
    if (item.key.user != user) {
        lists.own_view_changed(user);
    } else if (device_keys_.find(user, DeviceId(item.key.key_id))) {
        lists.device_changed(user, DeviceId(item.key.key_id));
    } else {
        lists.signing_keys_changed(user);
    }
}

Task<Result<Reply>> ClientServer::upload_signatures(Request request) {
    const UserId& user = request.requester.user;
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    std::size_t count = 0;
    for (const json::Member& entry : body) {
        CO_RETURN_IF_ERROR(require_user_id(entry.key, "a user id as the name of a member"));
        if (!entry.value.is_object()) co_return bad_json(entry.key + ": expected an object");
        count += entry.value.if_object()->size();
    }
    if (count > kSignedKeysMax) co_return invalid_param("expected signatures of at most 100 keys");

    json::Object failures;
    for (const json::Member& entry : body) {
        json::Object failed;
        for (const json::Member& signed_key : *entry.value.if_object()) {
            const auto item =
                check_signed_item({UserId(entry.key), signed_key.key}, signed_key.value, user);
            if (item) {
                publish_signatures(*item, user);
            } else {
                failed.set(signed_key.key,
                           json::Object{{"errcode", item.error().errcode},
                                        {"error", item.error().message}});
            }
        }
        if (!failed.empty()) failures.set(entry.key, std::move(failed));
    }
    co_return Reply{.body = json::Object{{"failures", std::move(failures)}}};
}

}  // namespace matrix::engine
