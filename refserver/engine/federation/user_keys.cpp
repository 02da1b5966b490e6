// POST /_matrix/federation/v1/user/keys/query and /user/keys/claim: keys of our users' devices, for
// those who want to write to them.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#end-to-end-encryption

#include "refserver/base/result_macros.h"
#include "refserver/engine/devices/devices.h"
#include "refserver/engine/devices/key_requests.h"
#include "refserver/engine/federation_server.h"

namespace matrix::engine {
Task<Result<Reply>> FederationServer::query_user_keys(Request request) {
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(const std::vector<DeviceQuery> queries, parse_device_queries(body));
    for (const DeviceQuery& query : queries) {
        CO_RETURN_IF_ERROR(require_own_user(query.user.view(), "device_keys"));
    }

    json::Object device_keys;
    json::Object master_keys;
    json::Object self_signing_keys;
    using enum storage::CrossSigningUsage;
    for (const DeviceQuery& query : queries) {
        // Of users who do not exist there is nothing to tell, also not that.
        const std::string_view user = query.user.view();
        device_keys.set(user, services_.devices.keys.find_devices(query.user, query.devices, {}));
        if (auto key = services_.devices.keys.find_signing_key(query.user, Master, {})) {
            master_keys.set(user, *std::move(key));
        }
        if (auto key = services_.devices.keys.find_signing_key(query.user, SelfSigning, {})) {
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
    ASSIGN_OR_CO_RETURN(const std::vector<KeyClaim> claims, parse_key_claims(body));
    for (const KeyClaim& claim : claims) {
        CO_RETURN_IF_ERROR(require_own_user(claim.user.view(), "one_time_keys"));
    }

    json::Object claimed = claim_keys(one_time_keys_, claims);
    Reply reply;
    reply.body = json::Object{{"one_time_keys", std::move(claimed)}};
    co_return reply;
}

}  // namespace matrix::engine
