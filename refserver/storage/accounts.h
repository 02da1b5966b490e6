// Accounts as stored: users, devices and access tokens.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/protocol/sha256.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

struct Account {
    UserId user;
    std::optional<std::string> password_hash;  ///< Absent: nobody can log in.
    bool is_admin = false;
    bool is_deactivated = false;
};

struct Device {
    DeviceId id;
    std::optional<std::string> display_name;
};

/// Whose an access token is.
struct TokenOwner {
    UserId user;
    DeviceId device;
    bool is_admin = false;
};

class AccountStore {
public:
    explicit AccountStore(Turns& turns) : turns_(turns) {}

    std::optional<Account> find(const UserId& user) const;
    /// The user is new.
    void insert(const Account& account, std::int64_t created_ts);

    /// Creates a device, or leaves one that exists as it is.
    void put_device(const UserId& user,
                    const DeviceId& device,
                    const std::optional<std::string>& display_name);
    /// In the order of ids.
    std::vector<Device> list_devices(const UserId& user) const;
    std::optional<Device> find_device(const UserId& user, const DeviceId& device) const;
    /// Of a device that exists.
    void put_display_name(const UserId& user, const DeviceId& device, std::string_view name);
    /// With its access tokens.
    void remove_device(const UserId& user, const DeviceId& device);

    // Tokens are stored as hashes, so that a stolen database logs nobody in.
    void insert_token(const Sha256& token_hash, const TokenOwner& owner, std::int64_t created_ts);
    std::optional<TokenOwner> find_token(const Sha256& token_hash) const;
    void remove_tokens(const UserId& user, const DeviceId& device);

private:
    Turns& turns_;
};

}  // namespace matrix::storage
