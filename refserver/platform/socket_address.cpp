#include "refserver/platform/socket_address.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <span>

#include <arpa/inet.h>
#include <netinet/in.h>
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

std::optional<SocketAddress> to_socket_address(const sockaddr& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.sa_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
        ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
        return SocketAddress{text.data(), ntohs(v4.sin_port)};
    }
    if (address.sa_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
        ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
        return SocketAddress{text.data(), ntohs(v6.sin6_port)};
    }
    return std::nullopt;
}

namespace {

struct Block {
    std::array<unsigned char, 16> prefix;
    std::size_t bits;
};

// IANA's registry of special-purpose IPv4 addresses, and multicast.
constexpr std::array<Block, 16> kSpecialV4{{
    {{0}, 8},
    {{10}, 8},
    {{100, 64}, 10},
    {{127}, 8},
    {{169, 254}, 16},
    {{172, 16}, 12},
    {{192, 0, 0}, 24},
    {{192, 0, 2}, 24},
    {{192, 31, 196}, 24},
    {{192, 52, 193}, 24},
    {{192, 88, 99}, 24},
    {{192, 168}, 16},
    {{192, 175, 48}, 24},
    {{198, 18}, 15},
    {{198, 51, 100}, 24},
    {{203, 0, 113}, 24},
}};

// Within 2000::/3, the only part of IPv6 in public use: what stands for something else.
constexpr std::array<Block, 5> kSpecialV6{{
    {{0x20, 0x01, 0x00}, 23},                 // Protocol assignments, Teredo among them.
    {{0x20, 0x01, 0x0d, 0xb8}, 32},           // Documentation.
    {{0x20, 0x02}, 16},                       // 6to4: an IPv4 address inside.
    {{0x26, 0x20, 0x00, 0x4f, 0x80, 0}, 48},  // AS112.
    {{0x3f, 0xff}, 20},                       // Documentation.
}};

bool is_in(std::span<const unsigned char> address, const Block& block) {
    for (std::size_t bit = 0; bit < block.bits; ++bit) {
        const unsigned mask = 0x80U >> (bit % 8);
        if (((address[bit / 8] ^ block.prefix[bit / 8]) & mask) != 0) return false;
    }
    return true;
}

}  // namespace

bool is_public_address(const sockaddr& address) {
    if (address.sa_family == AF_INET) {
        std::array<unsigned char, 4> bytes{};
        std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in&>(address).sin_addr, 4);
        if (bytes[0] >= 224) return false;  // Multicast, reserved, broadcast.
        return std::ranges::none_of(kSpecialV4, [&](const Block& b) { return is_in(bytes, b); });
    }
    if (address.sa_family == AF_INET6) {
        std::array<unsigned char, 16> bytes{};
        std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, 16);
        // Everything else is local, multicast, mapped or translated IPv4, or not assigned.
        if ((bytes[0] & 0xe0) != 0x20) return false;
        return std::ranges::none_of(kSpecialV6, [&](const Block& b) { return is_in(bytes, b); });
    }
    return false;
}

}  // namespace matrix::platform
