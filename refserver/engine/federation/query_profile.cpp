// GET /_matrix/federation/v1/query/profile: the profile of a user of ours.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#querying-for-information

#include "refserver/base/result_macros.h"
#include "refserver/engine/federation_server.h"

namespace matrix::engine {

Task<Result<Reply>> FederationServer::query_profile(Request request) {
    const std::string* user_text = request.find_query("user_id");
    if (!user_text) co_return missing_param("user_id: the parameter is required");
    ASSIGN_OR_CO_RETURN(const UserId user, require_user_id(*user_text, "user_id"));
    if (user.server() != services_.server_name) {
        co_return invalid_param("user_id: not a user of this server");
    }
    std::optional<json::Object> profile = services_.find_profile(user);
    if (!profile) co_return not_found("there is no such user");

    Reply reply;
    const std::string* field = request.find_query("field");
    if (!field) {
        reply.body = *std::move(profile);
        co_return reply;
    }
    // UNSPECIFIED: a field that is not set is left out, or 404: the text says both. We leave it
    // out, as most servers do.
    json::Object only;
    if (const json::Value* value = profile->find(*field)) only.set(*field, *value);
    reply.body = std::move(only);
    co_return reply;
}

}  // namespace matrix::engine
