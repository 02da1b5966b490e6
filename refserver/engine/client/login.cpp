// GET and POST /login: access tokens for passwords; and the password again for what is dangerous.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#login

#include "refserver/base/result_macros.h"
#include "refserver/engine/client/sessions.h"
#include "refserver/engine/client_server.h"

namespace matrix::engine {
namespace {

constexpr std::string_view kPasswordLogin = kPasswordStage;

// Who wants to log in: a localpart or a user id. Nothing: somebody whom we cannot know.
Result<std::optional<std::string>> parse_login_name(const json::Object& body) {
    ASSIGN_OR_RETURN(const auto identifier, optional_object(body, "identifier"));
    if (!identifier) {
        ASSIGN_OR_RETURN(const auto medium, optional_string(body, "medium"));
        if (medium) return std::nullopt;
        ASSIGN_OR_RETURN(std::string user, require_string(body, "user"));
        return user;
    }
    ASSIGN_OR_RETURN(const std::string type, require_string(*identifier, "type"));
    if (type == "m.id.thirdparty" || type == "m.id.phone") return std::nullopt;
    if (type != "m.id.user") return bad_request("M_UNKNOWN", "identifier.type: not known");
    ASSIGN_OR_RETURN(std::string user, require_string(*identifier, "user"));
    return user;
}

// A user id that cannot be one of ours finds no account later on.
UserId user_of(const std::string& name, const ServerName& server) {
    if (name.starts_with('@')) return UserId(name);
    return UserId("@" + name + ":" + server.text());
}

}  // namespace

Task<Result<Reply>> ClientServer::get_login_flows(Request) {
    json::Object flow{{"type", kPasswordLogin}};
    co_return Reply{.body = json::Object{{"flows", json::Array{std::move(flow)}}}};
}

Task<Result<Reply>> ClientServer::log_in(Request request) {
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(const std::string type, require_string(body, "type"));
    if (type != kPasswordLogin) {
        co_return bad_request("M_UNKNOWN", "type: expected m.login.password");
    }
    ASSIGN_OR_CO_RETURN(const auto name, parse_login_name(body));
    ASSIGN_OR_CO_RETURN(std::string password, require_string(body, "password"));
    ASSIGN_OR_CO_RETURN(const NewSession wanted, parse_new_session(body));
    if (!name) co_return forbidden("the user is unknown or the password is wrong");

    const UserId user = user_of(*name, services_.options.server_name);
    CO_RETURN_IF_ERROR(co_await services_.accounts.check_password(user, std::move(password)));
    if (wanted.device && services_.accounts.is_signing_key(user, *wanted.device)) {
        co_return forbidden("device_id: it is a cross-signing key of this user");
    }
    json::Object reply =
        session_body(services_.accounts.log_in(user, wanted.device, wanted.display_name));
    if (!services_.options.public_url.empty()) reply.set("well_known", well_known());
    co_return Reply{.body = std::move(reply)};
}

Task<Result<void>> ClientServer::authenticate_again(UserId user, json::Object body) {
    // An account without a password is used by its tokens alone: there is nothing more to ask for.
    const bool has_password = services_.accounts.has_password(user);
    const std::string_view stage = has_password ? kPasswordStage : kDummyStage;
    ASSIGN_OR_CO_RETURN(const InteractiveAuth::Attempt attempt,
                        interactive_auth_.begin(body, stage));
    if (has_password) {
        ASSIGN_OR_CO_RETURN(const auto name, parse_login_name(attempt.auth));
        ASSIGN_OR_CO_RETURN(std::string password, require_string(attempt.auth, "password"));
        const bool is_own = name && user_of(*name, services_.options.server_name) == user;
        const Result<void> checked =
            is_own ? co_await services_.accounts.check_password(user, std::move(password))
                   : Result<void>(forbidden("auth.identifier: expected your own"));
        if (!checked) {
            co_return InteractiveAuth::refuse(attempt, stage, checked.error().message);
        }
    }
    interactive_auth_.finish(attempt);
    co_return Result<void>{};
}

}  // namespace matrix::engine
