#include "refserver/platform/address_policy.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <span>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace matrix::platform {
namespace {

/// An address as bytes: 4 or 16 of them count.
struct IpBytes {
    std::array<unsigned char, 16> bytes{};
    bool is_v6 = false;
};

std::optional<IpBytes> bytes_of(const sockaddr& address) {
    IpBytes ip;
    if (address.sa_family == AF_INET) {
        std::memcpy(ip.bytes.data(), &reinterpret_cast<const sockaddr_in&>(address).sin_addr, 4);
        return ip;
    }
    if (address.sa_family == AF_INET6) {
        std::memcpy(ip.bytes.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, 16);
        ip.is_v6 = true;
        return ip;
    }
    return std::nullopt;
}

constexpr IpBlock v4(std::array<unsigned char, 16> prefix, unsigned bits) {
    return {prefix, false, bits};
}
constexpr IpBlock v6(std::array<unsigned char, 16> prefix, unsigned bits) {
    return {prefix, true, bits};
}

bool is_in(const IpBytes& ip, const IpBlock& block) {
    if (ip.is_v6 != block.is_v6) return false;
    for (unsigned bit = 0; bit < block.bits; ++bit) {
        const unsigned mask = 0x80U >> (bit % 8);
        if (((ip.bytes[bit / 8] ^ block.prefix[bit / 8]) & mask) != 0) return false;
    }
    return true;
}

bool is_in_any(const IpBytes& ip, std::span<const IpBlock> blocks) {
    return std::ranges::any_of(blocks, [&](const IpBlock& block) { return is_in(ip, block); });
}

// IANA's registry of special-purpose IPv4 addresses, and from 224 on multicast and what is
// reserved.
constexpr std::array kSpecialV4{
    v4({0}, 8),
    v4({10}, 8),
    v4({100, 64}, 10),
    v4({127}, 8),
    v4({169, 254}, 16),
    v4({172, 16}, 12),
    v4({192, 0, 0}, 24),
    v4({192, 0, 2}, 24),
    v4({192, 31, 196}, 24),
    v4({192, 52, 193}, 24),
    v4({192, 88, 99}, 24),
    v4({192, 168}, 16),
    v4({192, 175, 48}, 24),
    v4({198, 18}, 15),
    v4({198, 51, 100}, 24),
    v4({203, 0, 113}, 24),
    v4({224}, 3),
};

/// The only part of IPv6 in public use. Everything else is local, multicast, mapped or translated
/// IPv4, or not assigned.
constexpr IpBlock kGlobalV6 = v6({0x20}, 3);
/// Within it: what stands for something else.
constexpr std::array kSpecialV6{
    v6({0x20, 0x01, 0x00}, 23),                 // Protocol assignments, Teredo among them.
    v6({0x20, 0x01, 0x0d, 0xb8}, 32),           // Documentation.
    v6({0x20, 0x02}, 16),                       // 6to4.
    v6({0x26, 0x20, 0x00, 0x4f, 0x80, 0}, 48),  // AS112.
    v6({0x3f, 0xff}, 20),                       // Documentation.
};

bool is_public(const IpBytes& ip) {
    if (!ip.is_v6) return !is_in_any(ip, kSpecialV4);
    return is_in(ip, kGlobalV6) && !is_in_any(ip, kSpecialV6);
}

/// Where in an IPv6 address an IPv4 address is.
struct Transition {
    IpBlock block;
    std::size_t offset;
    unsigned char flipped = 0;  ///< Teredo inverts each bit.
};
constexpr std::array kTransitions{
    Transition{v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96), 12},  // Mapped.
    Transition{v6({}, 96), 12},                                          // Compatible.
    Transition{v6({0x00, 0x64, 0xff, 0x9b}, 96), 12},                    // NAT64.
    Transition{v6({0x20, 0x02}, 16), 2},                                 // 6to4.
    Transition{v6({0x20, 0x01, 0x00, 0x00}, 32), 12, 0xff},              // Teredo.
};

std::optional<IpBytes> find_embedded(const IpBytes& ip) {
    for (const Transition& transition : kTransitions) {
        if (!is_in(ip, transition.block)) continue;
        IpBytes inner;
        for (std::size_t i = 0; i < 4; ++i)
            inner.bytes[i] = ip.bytes[transition.offset + i] ^ transition.flipped;
        return inner;
    }
    return std::nullopt;
}

// Loopback and the unspecified address look like IPv4-compatible ones, and are none.
bool is_plain_low_address(const IpBytes& ip) {
    return is_in(ip, v6({}, 127));
}

}  // namespace

std::expected<IpBlock, std::string> parse_ip_block(std::string_view text) {
    const auto refuse = [&](std::string_view expected) {
        return std::unexpected("\"" + std::string(text) + "\" is not " + std::string(expected));
    };
    const std::size_t slash = text.find('/');
    const std::string ip(text.substr(0, slash));
    IpBlock block;
    block.is_v6 = ip.contains(':');
    if (::inet_pton(block.is_v6 ? AF_INET6 : AF_INET, ip.c_str(), block.prefix.data()) != 1) {
        return refuse("a block of IP addresses, for example 10.0.0.0/8 or fd00::/8");
    }
    const unsigned bits_max = block.is_v6 ? 128 : 32;
    block.bits = bits_max;
    if (slash != std::string_view::npos) {
        const std::string_view length = text.substr(slash + 1);
        const auto [end, error] =
            std::from_chars(length.data(), length.data() + length.size(), block.bits);
        if (error != std::errc() || end != length.data() + length.size() || block.bits > bits_max) {
            return refuse("a block: the length of its prefix is 0 to " + std::to_string(bits_max));
        }
    }
    for (unsigned bit = block.bits; bit < bits_max; ++bit) {
        if ((block.prefix[bit / 8] & (0x80U >> (bit % 8))) != 0) {
            return refuse("a block: there are bits behind its prefix");
        }
    }
    return block;
}

bool AddressPolicy::permits(const sockaddr& address) const {
    const auto ip = bytes_of(address);
    if (!ip || is_in_any(*ip, denied)) return false;
    const bool is_permitted =
        reach == Reach::Everything || is_in_any(*ip, allowed) || is_public(*ip);
    if (!is_permitted || !ip->is_v6 || is_plain_low_address(*ip)) return is_permitted;
    const auto inner = find_embedded(*ip);
    if (!inner) return true;
    return !is_in_any(*inner, denied) &&
           (reach == Reach::Everything || is_in_any(*inner, allowed) || is_public(*inner));
}

bool is_public_address(const sockaddr& address) {
    const auto ip = bytes_of(address);
    return ip && is_public(*ip);
}

}  // namespace matrix::platform
