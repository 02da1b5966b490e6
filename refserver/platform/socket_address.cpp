#include "refserver/platform/socket_address.h"

#include <array>
#include <charconv>

#include <arpa/inet.h>
#include <sys/socket.h>

namespace matrix::platform {
namespace {

std::expected<std::uint16_t, std::string> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size()) {
        return std::unexpected("\"" + std::string(text) + "\" is not a port (0 to 65535)");
    }
    return port;
}

}  // namespace

std::expected<SocketAddress, std::string> parse_socket_address(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return std::unexpected("\"" + std::string(text) +
                               "\" is not ADDRESS:PORT, for example 127.0.0.1:8008 or [::1]:8008");
    }
    const auto port = parse_port(text.substr(colon + 1));
    if (!port) return std::unexpected(port.error());
    std::string_view ip = text.substr(0, colon);
    const bool has_brackets = ip.starts_with('[') && ip.ends_with(']');
    if (has_brackets) ip = ip.substr(1, ip.size() - 2);
    if (!is_ip_literal(ip) || ip.contains(':') != has_brackets) {
        return std::unexpected("\"" + std::string(text.substr(0, colon)) +
                               "\" is not an IP address (IPv6 in brackets)");
    }
    return SocketAddress{std::string(ip), *port};
}

std::string to_string(const SocketAddress& address) {
    const std::string port = std::to_string(address.port);
    return address.ip.contains(':') ? "[" + address.ip + "]:" + port : address.ip + ":" + port;
}

bool is_ip_literal(std::string_view host) {
    std::array<unsigned char, 16> bytes{};
    const std::string text(host);
    return ::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
           ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

}  // namespace matrix::platform
