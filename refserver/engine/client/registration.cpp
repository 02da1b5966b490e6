// POST /register and GET /register/available: new accounts.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3register

#include "refserver/base/result_macros.h"
#include "refserver/engine/client/sessions.h"
#include "refserver/engine/client_server.h"

namespace matrix::engine {
namespace {

struct Registration {
    std::optional<std::string> username;
    std::optional<std::string> password;
    NewSession session;
    bool inhibits_login = false;
};

Result<Registration> parse_registration(const json::Object& body) {
    Registration registration;
    ASSIGN_OR_RETURN(registration.username, optional_string(body, "username"));
    ASSIGN_OR_RETURN(registration.password, optional_string(body, "password"));
    ASSIGN_OR_RETURN(registration.session, parse_new_session(body));
    ASSIGN_OR_RETURN(const auto inhibits_login, optional_boolean(body, "inhibit_login"));
    registration.inhibits_login = inhibits_login.value_or(false);
    return registration;
}

Result<void> check_kind(const Request& request) {
    const std::string* kind = request.find_query("kind");
    if (!kind || *kind == "user") return {};
    if (*kind == "guest") {
        return std::unexpected(
            Error{403, "M_GUEST_ACCESS_FORBIDDEN", "this server has no guests", {}});
    }
    return invalid_param("kind: expected \"user\" or \"guest\"");
}

}  // namespace

Task<Result<Reply>> ClientServer::register_account(Request request) {
    CO_RETURN_IF_ERROR(check_kind(request));
    if (!services_.options.is_development) co_return forbidden("registration is closed");
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(const Registration registration, parse_registration(body));
    // The name is checked before any authentication, and again by what creates the account.
    if (registration.username) {
        CO_RETURN_IF_ERROR(services_.accounts.check_new_user(*registration.username));
    }
    CO_RETURN_IF_ERROR(interactive_auth_.check(body));

    std::string localpart =
        registration.username ? *registration.username : services_.accounts.make_localpart();
    ASSIGN_OR_CO_RETURN(
        const UserId user,
        co_await services_.accounts.create(std::move(localpart), registration.password));
    if (registration.inhibits_login) {
        co_return Reply{.body = json::Object{{"user_id", user.text()}}};
    }
    const Accounts::Session session = services_.accounts.log_in(
        user, registration.session.device, registration.session.display_name);
    co_return Reply{.body = session_body(session)};
}

Task<Result<Reply>> ClientServer::check_username(Request request) {
    const std::string* username = request.find_query("username");
    if (!username) co_return missing_param("username: expected in the query");
    CO_RETURN_IF_ERROR(services_.accounts.check_new_user(*username));
    co_return Reply{.body = json::Object{{"available", true}}};
}

}  // namespace matrix::engine
