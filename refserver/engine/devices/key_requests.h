// What clients and other servers ask about keys, taken apart, and one-time keys given out.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#key-management-api
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "refserver/engine/devices/remote_devices.h"
#include "refserver/engine/error.h"
#include "refserver/storage/one_time_keys.h"

namespace matrix::engine {

/// One key of an algorithm that somebody wants from a device.
struct KeyClaim {
    UserId user;
    DeviceId device;
    std::string algorithm;
};

/// The member `device_keys` of a query. 400 names what is wrong.
Result<std::vector<DeviceQuery>> parse_device_queries(const json::Object& body);
/// The member `one_time_keys` of a claim.
Result<std::vector<KeyClaim>> parse_key_claims(const json::Object& body);

/// Takes keys of devices of ours out of the store: by user, device, and `algorithm:id`. What there
/// is none of is left out. Each key is given once, so the answer must not be lost after this.
json::Object claim_keys(storage::OneTimeKeyStore& store, const std::vector<KeyClaim>& claims);

/// Inserts `value` at a path of two keys.
void set_below(json::Object& object,
               std::string_view first,
               std::string_view second,
               json::Value value);

}  // namespace matrix::engine
