// Options: what the person who starts the reference server may say.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "refserver/platform/address_policy.h"
#include "refserver/platform/socket_address.h"
#include "refserver/platform/stderr_log.h"
#include "refserver/runtime/log.h"

namespace matrix {

struct Options {
    std::optional<std::string> data;  ///< Nothing: all is kept in memory.
    std::vector<std::string> users;
    /// Nothing: the default address, and the port that is in the server's name.
    std::optional<platform::SocketAddress> listen;
    /// With TLS; nothing: the same, if there is a certificate.
    std::optional<platform::SocketAddress> federation_listen;
    std::optional<std::string> server_name;
    std::optional<std::string> tls_cert;
    std::optional<std::string> tls_key;
    std::optional<std::string> development_ca;
    std::optional<std::string> authorities;
    std::map<std::string, platform::SocketAddress, std::less<>> overrides;
    std::vector<platform::IpBlock> allowed_networks;
    std::vector<platform::IpBlock> denied_networks;
    std::string dns_servers;  ///< `ADDRESS:PORT`, comma separated; empty: those of the system.
    /// What other servers are told at /.well-known/matrix/server.
    std::optional<std::string> delegated_name;
    std::vector<std::string> trusted_key_servers;
    std::optional<std::string> registration_shared_secret;
    bool rotates_key = false;
    bool is_policy_server = false;
    std::vector<std::string> policy_refused_texts;
    std::string room_version = "12";
    runtime::LogLevel log_level = runtime::LogLevel::Warning;
    platform::LogFormat log_format = platform::LogFormat::Text;
    bool is_development = true;

    bool has_certificate() const { return tls_cert.has_value() || development_ca.has_value(); }
};

/// Why the program ends before it has begun: help was asked for, or a flag is wrong.
struct EarlyExit {
    int code;  ///< 0, or 2 for a wrong flag.
    std::string text;
};

std::expected<Options, EarlyExit> parse_options(int count, const char* const* arguments);

}  // namespace matrix
