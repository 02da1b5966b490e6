// AddressPolicy: which IP addresses outgoing requests may connect to.
//
// It judges the address of the socket, after all names were resolved: no name, redirect or record
// of DNS can lead to a place that the policy does not permit.
#pragma once

#include <array>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct sockaddr;

namespace matrix::platform {

/// A block of IP addresses, as `10.0.0.0/8` or `fd00::/8` write it; one address without a slash.
struct IpBlock {
    std::array<unsigned char, 16> prefix{};
    bool is_v6 = false;
    unsigned bits = 0;
};
/// The error says what was expected. Bits behind the prefix must be zero.
std::expected<IpBlock, std::string> parse_ip_block(std::string_view text);

/// What is permitted besides `allowed`.
enum class Reach {
    PublicOnly,
    Everything,  ///< Development: loopback and private networks too.
};

struct AddressPolicy {
    Reach reach = Reach::PublicOnly;
    std::vector<IpBlock> allowed;
    std::vector<IpBlock> denied;  ///< Wins over `allowed` and over `reach`.

    /// An IPv6 address that stands for an IPv4 address (mapped, NAT64, 6to4, Teredo) is permitted
    /// only if it is in an allowed block (or `reach` is everything), and the IPv4 address is
    /// permitted too.
    bool permits(const sockaddr& address) const;
};

/// Is this the address of somebody on the Internet? Not loopback, private, link-local, shared,
/// multicast, reserved or unspecified, nor an IPv6 address that stands for an IPv4 address.
bool is_public_address(const sockaddr& address);

}  // namespace matrix::platform
