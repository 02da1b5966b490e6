#include "refserver/engine/devices/key_requests.h"

#include "refserver/base/result_macros.h"
#include "refserver/engine/http_api.h"

namespace matrix::engine {

Result<std::vector<DeviceQuery>> parse_device_queries(const json::Object& body) {
    ASSIGN_OR_RETURN(const json::Object asked, require_object(body, "device_keys"));
    std::vector<DeviceQuery> queries;
    for (const json::Member& entry : asked) {
        DeviceQuery query;
        ASSIGN_OR_RETURN(query.user, require_user_id(entry.key, "device_keys"));
        const json::Array* devices = entry.value.if_array();
        if (!devices) return bad_json("device_keys." + entry.key + ": expected an array");
        for (const json::Value& value : *devices) {
            const std::string* device = value.if_string();
            if (!device) return bad_json("device_keys." + entry.key + ": expected device ids");
            query.devices.emplace_back(*device);
        }
        queries.push_back(std::move(query));
    }
    return queries;
}

Result<std::vector<KeyClaim>> parse_key_claims(const json::Object& body) {
    ASSIGN_OR_RETURN(const json::Object asked, require_object(body, "one_time_keys"));
    std::vector<KeyClaim> claims;
    for (const json::Member& entry : asked) {
        ASSIGN_OR_RETURN(const UserId user, require_user_id(entry.key, "one_time_keys"));
        const json::Object* by_device = entry.value.if_object();
        if (!by_device) return bad_json("one_time_keys." + entry.key + ": expected an object");
        for (const json::Member& device : *by_device) {
            const std::string* algorithm = device.value.if_string();
            if (!algorithm) {
                return bad_json("one_time_keys." + entry.key + "." + device.key +
                                ": expected the name of an algorithm");
            }
            claims.push_back({user, DeviceId(device.key), *algorithm});
        }
    }
    return claims;
}

json::Object claim_keys(storage::OneTimeKeyStore& store, const std::vector<KeyClaim>& claims) {
    json::Object claimed;
    for (const KeyClaim& claim : claims) {
        auto key = store.claim(claim.user, claim.device, claim.algorithm);
        if (!key) continue;
        json::Object named;
        named.set(key->algorithm + ":" + key->id, std::move(key->key));
        set_below(claimed, claim.user.view(), claim.device.view(), std::move(named));
    }
    return claimed;
}

void set_below(json::Object& object,
               std::string_view first,
               std::string_view second,
               json::Value value) {
    json::Value& inner = object[first];
    if (!inner.is_object()) inner = json::Object();
    inner.if_object()->set(second, std::move(value));
}

}  // namespace matrix::engine
