// POST /_matrix/federation/v1/user/keys/query and /user/keys/claim: keys of our users' devices, for
// those who want to write to them.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#end-to-end-encryption

#include "refserver/base/result_macros.h"
#include "refserver/engine/federation_server.h"

namespace matrix::engine {
namespace {

/// Of one user, the devices that are asked for; an empty list is all of them.
struct DeviceQuery {
    UserId user;
    std::vector<DeviceId> devices;
};

struct KeyClaim {
    UserId user;
    DeviceId device;
    std::string algorithm;
};

json::Object with_display_name(storage::DeviceWithKeys device) {
    if (device.display_name) {
        device.keys.set("unsigned", json::Object{{"device_display_name", *device.display_name}});
    }
    return std::move(device.keys);
}

Result<std::vector<DeviceId>> parse_device_list(const json::Member& asked) {
    const json::Array* entries = asked.value.if_array();
    if (!entries) return bad_json("device_keys." + asked.key + ": expected an array");
    std::vector<DeviceId> devices;
    for (const json::Value& entry : *entries) {
        const std::string* device = entry.if_string();
        if (!device) return bad_json("device_keys." + asked.key + ": expected device ids");
        devices.emplace_back(*device);
    }
    return devices;
}

Result<std::vector<KeyClaim>> parse_claims(const json::Member& asked, const UserId& user) {
    const json::Object* by_device = asked.value.if_object();
    if (!by_device) return bad_json("one_time_keys." + asked.key + ": expected an object");
    std::vector<KeyClaim> claims;
    for (const json::Member& device : *by_device) {
        const std::string* algorithm = device.value.if_string();
        if (!algorithm) {
            return bad_json("one_time_keys." + asked.key + "." + device.key +
                            ": expected the name of an algorithm");
        }
        claims.push_back({user, DeviceId(device.key), *algorithm});
    }
    return claims;
}

// Inserts `value` at a path of two keys.
void set_below(json::Object& object,
               std::string_view first,
               std::string_view second,
               json::Value value) {
    json::Value& inner = object[first];
    if (!inner.is_object()) inner = json::Object();
    inner.if_object()->set(second, std::move(value));
}

}  // namespace

json::Object FederationServer::find_device_keys(const UserId& user,
                                                const std::vector<DeviceId>& asked) const {
    json::Object found;
    if (asked.empty()) {
        for (storage::DeviceWithKeys& device : device_keys_.list(user)) {
            const std::string id = device.device.text();
            found.set(id, with_display_name(std::move(device)));
        }
    }
    for (const DeviceId& id : asked) {
        auto device = device_keys_.find(user, id);
        if (device) found.set(id.view(), with_display_name(*std::move(device)));
    }
    return found;
}

Task<Result<Reply>> FederationServer::query_user_keys(Request request) {
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(const json::Object asked, require_object(body, "device_keys"));
    std::vector<DeviceQuery> queries;
    for (const json::Member& entry : asked) {
        DeviceQuery query;
        ASSIGN_OR_CO_RETURN(query.user, require_own_user(entry.key, "device_keys"));
        ASSIGN_OR_CO_RETURN(query.devices, parse_device_list(entry));
        queries.push_back(std::move(query));
    }

    json::Object device_keys;
    json::Object master_keys;
    json::Object self_signing_keys;
    using enum storage::CrossSigningUsage;
    for (const DeviceQuery& query : queries) {
        // Of users who do not exist there is nothing to tell, also not that.
        const std::string_view user = query.user.view();
        device_keys.set(user, find_device_keys(query.user, query.devices));
        if (auto key = find_cross_signing_key(query.user, Master)) {
            master_keys.set(user, *std::move(key));
        }
        if (auto key = find_cross_signing_key(query.user, SelfSigning)) {
            self_signing_keys.set(user, *std::move(key));
        }
    }
    Reply reply;
    reply.body = json::Object{{"device_keys", std::move(device_keys)},
                              {"master_keys", std::move(master_keys)},
                              {"self_signing_keys", std::move(self_signing_keys)}};
    co_return reply;
}

Task<Result<Reply>> FederationServer::claim_user_keys(Request request) {
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(const json::Object asked, require_object(body, "one_time_keys"));
    std::vector<KeyClaim> claims;
    for (const json::Member& entry : asked) {
        ASSIGN_OR_CO_RETURN(const UserId user, require_own_user(entry.key, "one_time_keys"));
        ASSIGN_OR_CO_RETURN(const auto of_user, parse_claims(entry, user));
        claims.insert(claims.end(), of_user.begin(), of_user.end());
    }

    // Nothing waits from here on: each key leaves the store once.
    json::Object claimed;
    for (const KeyClaim& claim : claims) {
        auto key = one_time_keys_.claim(claim.user, claim.device, claim.algorithm);
        if (!key) continue;
        json::Object named;
        named.set(key->algorithm + ":" + key->id, std::move(key->key));
        set_below(claimed, claim.user.view(), claim.device.view(), std::move(named));
    }
    Reply reply;
    reply.body = json::Object{{"one_time_keys", std::move(claimed)}};
    co_return reply;
}

}  // namespace matrix::engine
