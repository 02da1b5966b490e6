// SocketAddress: an IP address and a port, as flags write them; and which addresses are public.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr;

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

/// The IP address and port in a structure of the operating system; nothing for other families.
std::optional<SocketAddress> to_socket_address(const sockaddr& address);

/// Is this the address of somebody on the Internet? Not loopback, private, link-local, shared,
/// multicast, reserved or unspecified, nor an IPv6 address that stands for an IPv4 address.
bool is_public_address(const sockaddr& address);

}  // namespace matrix::platform
