// GET /_matrix/federation/v1/openid/userinfo: whose an OpenID token is. Anybody may ask.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#openid

#include "refserver/engine/federation_server.h"
#include "refserver/protocol/sha256.h"
#include "refserver/runtime/clock.h"

namespace matrix::engine {

Task<Result<Reply>> FederationServer::get_openid_userinfo(Request request) {
    const std::string* token = request.find_query("access_token");
    if (!token) {
        co_return std::unexpected(
            Error{401, "M_MISSING_TOKEN", "access_token: the parameter is required", {}});
    }
    const auto owner = openid_tokens_.find_owner(sha256(*token), services_.clock.now().value);
    if (!owner) {
        co_return std::unexpected(
            Error{401, "M_UNKNOWN_TOKEN", "the OpenID token is unknown or has expired", {}});
    }
    Reply reply;
    reply.body = json::Object{{"sub", owner->text()}};
    co_return reply;
}

}  // namespace matrix::engine
