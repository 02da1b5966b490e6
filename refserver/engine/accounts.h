// Accounts: the users of this server, their passwords, devices and access tokens, their profiles.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/engine/devices/device_lists.h"
#include "refserver/engine/error.h"
#include "refserver/engine/http_api.h"
#include "refserver/engine/password.h"
#include "refserver/runtime/clock.h"
#include "refserver/runtime/random.h"
#include "refserver/runtime/task.h"
#include "refserver/runtime/workers.h"
#include "refserver/storage/accounts.h"
#include "refserver/storage/device_inbox.h"
#include "refserver/storage/device_keys.h"
#include "refserver/storage/key_signatures.h"
#include "refserver/storage/one_time_keys.h"
#include "refserver/storage/profiles.h"
#include "refserver/storage/turns.h"

namespace matrix::engine {

enum class AccountKind { User, Administrator };

class Accounts {
public:
    struct Services {
        ServerName server_name;
        DeviceLists& device_lists;
        storage::Turns& turns;
        runtime::Clock& clock;
        runtime::RandomSource& random;
        runtime::Workers& workers;
        PasswordCost password_cost = PasswordCost::Interactive;
    };
    explicit Accounts(Services services);
    Accounts(const Accounts&) = delete;
    Accounts& operator=(const Accounts&) = delete;

    /// What a login gives.
    struct Session {
        UserId user;
        DeviceId device;
        std::string access_token;
    };

    /// 400 M_INVALID_USERNAME or M_USER_IN_USE.
    Result<UserId> check_new_user(std::string_view localpart) const;
    /// A localpart that nobody has.
    std::string make_localpart();
    /// Without a password nobody can log in: such an account is used by its tokens alone.
    Task<Result<UserId>> create(std::string localpart,
                                std::optional<std::string> password,
                                AccountKind kind = AccountKind::User);
    /// 403 M_FORBIDDEN, the same for an unknown user and a wrong password.
    Task<Result<void>> check_password(UserId user, std::string password);
    /// A new access token; a device of this id that exists is taken over.
    Session log_in(const UserId& user,
                   std::optional<std::string> device,
                   std::optional<std::string> display_name);
    std::vector<storage::Device> list_devices(const UserId& user) const;
    std::optional<storage::Device> find_device(const UserId& user, const DeviceId& device) const;
    /// Of a device that exists.
    void rename_device(const UserId& user, const DeviceId& device, const std::string& name);
    /// With its access tokens, keys and messages. No effect if there is none.
    void remove_device(const UserId& user, const DeviceId& device);
    /// Is this the public part of a cross-signing key of the user? No device may be named so.
    ///
    /// Spec: client-server-api, "servers must ensure that device IDs will not collide with
    /// cross-signing public keys".
    bool is_signing_key(const UserId& user, std::string_view device) const;

    std::optional<Requester> find_requester(std::string_view access_token) const;
    bool exists(const UserId& user) const;
    bool has_password(const UserId& user) const;

    /// A profile field; nothing if it is not set.
    std::optional<json::Value> profile_field(const UserId& user, std::string_view field) const;
    json::Object profile(const UserId& user) const;
    void set_profile_field(const UserId& user, std::string_view field, const json::Value& value);
    void remove_profile_field(const UserId& user, std::string_view field);

private:
    Task<std::string> hash_password(std::string password);
    Services services_;
    storage::AccountStore accounts_;
    storage::DeviceKeyStore device_keys_;
    storage::OneTimeKeyStore one_time_keys_;
    storage::CrossSigningKeyStore signing_keys_;
    storage::KeySignatureStore key_signatures_;
    storage::DeviceInboxStore inbox_;
    storage::ProfileStore profiles_;
};

}  // namespace matrix::engine
