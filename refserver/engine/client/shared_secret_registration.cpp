// /_synapse/admin/v1/register: accounts for tools that know the shared secret.
//
// Not in the specification: the way in which test tools make users on every homeserver of note.
// https://element-hq.github.io/synapse/latest/admin_api/register_api.html

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "refserver/base/result_macros.h"
#include "refserver/engine/client/sessions.h"
#include "refserver/engine/client_server.h"

namespace matrix::engine {
namespace {

std::string hmac_sha1_hex(std::string_view key, std::string_view message) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    HMAC(EVP_sha1(),
         key.data(),
         static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(message.data()),
         message.size(),
         digest,
         &size);
    constexpr std::string_view kHexDigits = "0123456789abcdef";
    std::string hex;
    for (unsigned i = 0; i < size; ++i) {
        hex += kHexDigits[digest[i] >> 4];
        hex += kHexDigits[digest[i] & 15];
    }
    return hex;
}

struct SecretRegistration {
    std::string nonce;
    std::string username;
    std::string password;
    std::string mac;
    std::optional<std::string> display_name;
    std::optional<std::string> user_type;
    bool is_admin = false;

    std::string signed_text() const {
        std::string text = nonce + '\0' + username + '\0' + password + '\0';
        text += is_admin ? "admin" : "notadmin";
        if (user_type) text += '\0' + *user_type;
        return text;
    }
};

Result<SecretRegistration> parse_secret_registration(const json::Object& body) {
    SecretRegistration registration;
    ASSIGN_OR_RETURN(registration.nonce, require_string(body, "nonce"));
    ASSIGN_OR_RETURN(registration.username, require_string(body, "username"));
    ASSIGN_OR_RETURN(registration.password, require_string(body, "password"));
    ASSIGN_OR_RETURN(registration.mac, require_string(body, "mac"));
    ASSIGN_OR_RETURN(registration.display_name, optional_string(body, "displayname"));
    ASSIGN_OR_RETURN(registration.user_type, optional_string(body, "user_type"));
    ASSIGN_OR_RETURN(const auto is_admin, optional_boolean(body, "admin"));
    registration.is_admin = is_admin.value_or(false);
    return registration;
}

Error not_enabled() {
    return Error{404, "M_UNRECOGNIZED", "registration with a shared secret is not enabled", {}};
}

bool is_same_text(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

Task<Result<Reply>> ClientServer::get_registration_nonce(Request) {
    if (!services_.options.registration_shared_secret) co_return std::unexpected(not_enabled());
    co_return Reply{.body = json::Object{{"nonce", registration_nonces_.make()}}};
}

Task<Result<Reply>> ClientServer::register_with_shared_secret(Request request) {
    const auto& secret = services_.options.registration_shared_secret;
    if (!secret) co_return std::unexpected(not_enabled());
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(const SecretRegistration wanted, parse_secret_registration(body));
    if (!registration_nonces_.take(wanted.nonce)) {
        co_return bad_request("M_UNKNOWN", "nonce: not one of ours, used already, or too old");
    }
    if (!is_same_text(wanted.mac, hmac_sha1_hex(*secret, wanted.signed_text()))) {
        co_return forbidden("mac: wrong");
    }
    const AccountKind kind = wanted.is_admin ? AccountKind::Administrator : AccountKind::User;
    ASSIGN_OR_CO_RETURN(const UserId user,
                        co_await services_.accounts.create(wanted.username, wanted.password, kind));
    if (wanted.display_name) {
        services_.accounts.set_profile_field(user, "displayname", *wanted.display_name);
    }
    json::Object reply = session_body(services_.accounts.log_in(user, {}, {}));
    reply.set("home_server", services_.options.server_name.text());
    co_return Reply{.body = std::move(reply)};
}

}  // namespace matrix::engine
