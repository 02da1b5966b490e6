// SocketAddress: an IP address and a port, as flags write them.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace matrix::platform {

struct SocketAddress {
    std::string ip;  ///< IPv6 without brackets.
    std::uint16_t port = 0;

    friend bool operator==(const SocketAddress&, const SocketAddress&) = default;
};

/// `127.0.0.1:8008` or `[::1]:8008`; the error says what was expected.
std::expected<SocketAddress, std::string> parse_socket_address(std::string_view text);

/// With brackets around IPv6.
std::string to_string(const SocketAddress& address);

bool is_ip_literal(std::string_view host);

}  // namespace matrix::platform
