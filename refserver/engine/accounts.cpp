#include "refserver/engine/accounts.h"

#include "refserver/base/result_macros.h"
#include "refserver/engine/password.h"

namespace matrix::engine {

Accounts::Accounts(Services services)
    : services_(std::move(services)),
      accounts_(services_.turns),
      device_keys_(services_.turns),
      one_time_keys_(services_.turns),
      signing_keys_(services_.turns),
      key_signatures_(services_.turns),
      inbox_(services_.turns),
      profiles_(services_.turns) {}

Result<UserId> Accounts::check_new_user(std::string_view localpart) const {
    // UNSPECIFIED: capitals are refused, not mapped to small letters, so that nobody gets another
    // name than he asked for.
    auto user = parse_user_id("@" + std::string(localpart) + ":" + services_.server_name.text(),
                              UserIdGrammar::Strict);
    if (!user || user->localpart() != localpart) {
        return bad_request("M_INVALID_USERNAME",
                           "username: expected a localpart of a-z, 0-9 and ._=-/+ that makes a"
                           " user id of at most 255 bytes");
    }
    if (accounts_.find(*user)) return bad_request("M_USER_IN_USE", "this user id is taken");
    return *std::move(user);
}

std::string Accounts::make_localpart() {
    constexpr std::string_view kSmallLetters = "abcdefghijklmnopqrstuvwxyz";
    for (;;) {
        std::string localpart = services_.random.stream("localparts").text(12, kSmallLetters);
        if (check_new_user(localpart)) return localpart;
    }
}

Task<std::string> Accounts::hash_password(std::string password) {
    const PasswordCost cost = services_.password_cost;
    std::string salt = services_.random.stream("passwords").bytes(kPasswordSaltBytes);
    co_return co_await services_.workers.run<std::string>(
        runtime::Lane::Passwords, [password = std::move(password), salt = std::move(salt), cost] {
            return make_password_hash(password, salt, cost);
        });
}

Task<Result<UserId>> Accounts::create(std::string localpart,
                                      std::optional<std::string> password,
                                      AccountKind kind) {
    CO_RETURN_IF_ERROR(check_new_user(localpart));
    std::optional<std::string> hash;
    if (password) hash = co_await hash_password(*std::move(password));
    // Somebody else may have been faster while the password was hashed.
    ASSIGN_OR_CO_RETURN(UserId user, check_new_user(localpart));
    const storage::Account account{user, std::move(hash), kind == AccountKind::Administrator};
    accounts_.insert(account, services_.clock.now().value);
    co_return user;
}

Task<Result<void>> Accounts::check_password(UserId user, std::string password) {
    const auto account = accounts_.find(user);
    bool is_right = false;
    if (account && account->password_hash) {
        is_right = co_await services_.workers.run<bool>(
            runtime::Lane::Passwords,
            [password = std::move(password), hash = *account->password_hash] {
                return is_password_of(hash, password);
            });
    } else {
        // It takes as long as if there were a password: who exists is nobody's business.
        co_await hash_password(std::move(password));
    }
    if (!is_right || account->is_deactivated) {
        co_return forbidden("the user is unknown or the password is wrong");
    }
    co_return Result<void>{};
}

Accounts::Session Accounts::log_in(const UserId& user,
                                   std::optional<std::string> device,
                                   std::optional<std::string> display_name) {
    constexpr std::string_view kCapitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    runtime::Random& random = services_.random.stream("sessions");
    Session session{user, DeviceId(device ? *device : random.text(10, kCapitals)), {}};
    session.access_token = random.text(40, runtime::kLetters);

    // A device has one token at a time: logging in again takes it over.
    accounts_.remove_tokens(user, session.device);
    accounts_.put_device(user, session.device, display_name);
    accounts_.insert_token(
        sha256(session.access_token), {user, session.device}, services_.clock.now().value);
    return session;
}

std::vector<storage::Device> Accounts::list_devices(const UserId& user) const {
    return accounts_.list_devices(user);
}

std::optional<storage::Device> Accounts::find_device(const UserId& user,
                                                     const DeviceId& device) const {
    return accounts_.find_device(user, device);
}

void Accounts::rename_device(const UserId& user, const DeviceId& device, const std::string& name) {
    const auto known = accounts_.find_device(user, device);
    if (!known || known->display_name == name) return;
    accounts_.put_display_name(user, device, name);
    if (device_keys_.find(user, device)) services_.device_lists.device_changed(user, device);
}

void Accounts::remove_device(const UserId& user, const DeviceId& device) {
    accounts_.remove_device(user, device);
    one_time_keys_.remove(user, device);
    inbox_.remove(user, device);
    key_signatures_.remove_on({user, device.text()});
    key_signatures_.remove_by(user, KeyId("ed25519:" + device.text()));
    if (device_keys_.remove(user, device)) services_.device_lists.device_removed(user, device);
}

bool Accounts::is_signing_key(const UserId& user, std::string_view device) const {
    using enum storage::CrossSigningUsage;
    for (const auto usage : {Master, SelfSigning, UserSigning}) {
        const auto key = signing_keys_.find(user, usage);
        if (key && public_key_of(*key) == device) return true;
    }
    return false;
}

std::optional<Requester> Accounts::find_requester(std::string_view access_token) const {
    auto owner = accounts_.find_token(sha256(access_token));
    if (!owner) return std::nullopt;
    return Requester{std::move(owner->user),
                     std::move(owner->device),
                     std::string(access_token),
                     owner->is_admin};
}

bool Accounts::exists(const UserId& user) const {
    return accounts_.find(user).has_value();
}

bool Accounts::has_password(const UserId& user) const {
    const auto account = accounts_.find(user);
    return account && account->password_hash;
}

std::optional<json::Value> Accounts::profile_field(const UserId& user,
                                                   std::string_view field) const {
    return profiles_.find(user, field);
}

json::Object Accounts::profile(const UserId& user) const {
    return profiles_.load(user);
}

void Accounts::set_profile_field(const UserId& user,
                                 std::string_view field,
                                 const json::Value& value) {
    profiles_.put(user, field, value);
}

void Accounts::remove_profile_field(const UserId& user, std::string_view field) {
    profiles_.remove(user, field);
}

}  // namespace matrix::engine
