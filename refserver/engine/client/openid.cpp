// POST /user/{userId}/openid/request_token: a token that proves to others who one is.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#openid

#include "refserver/base/result_macros.h"
#include "refserver/engine/client_server.h"
#include "refserver/protocol/sha256.h"

namespace matrix::engine {
namespace {

constexpr std::size_t kOpenIdTokenLength = 40;
constexpr std::int64_t kOpenIdLifetimeSeconds = 3600;

}  // namespace

Task<Result<Reply>> ClientServer::request_openid_token(Request request) {
    ASSIGN_OR_CO_RETURN(const UserId user, require_user_id(request.path[0], "userId"));
    if (user != request.requester.user) co_return forbidden("userId: not you");
    CO_RETURN_IF_ERROR(request.object_body_or_empty());

    const std::int64_t now = services_.clock.now().value;
    const std::string token =
        services_.random.stream("openid tokens").text(kOpenIdTokenLength, runtime::kLetters);
    openid_tokens_.remove_expired(now);
    openid_tokens_.insert(sha256(token), user, now + kOpenIdLifetimeSeconds * 1000);
    co_return Reply{.body =
                        json::Object{{"access_token", token},
                                     {"token_type", "Bearer"},
                                     {"matrix_server_name", services_.options.server_name.text()},
                                     {"expires_in", kOpenIdLifetimeSeconds}}};
}

}  // namespace matrix::engine
