// HostLookup: the addresses to connect to for a host and a port, in the order of trying.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <vector>

#include "refserver/engine/counters.h"
#include "refserver/protocol/identifiers.h"
#include "refserver/runtime/network.h"
#include "refserver/runtime/resolver.h"
#include "refserver/runtime/task.h"

namespace matrix::engine {

/// Where to connect instead of what DNS says.
struct AppointedAddress {
    std::string ip;  ///< IPv6 without brackets.
    std::uint16_t port = 0;
};
/// By server name, or by `host:port` of a host that some step of the discovery leads to.
using AppointedAddresses = std::map<std::string, AppointedAddress, std::less<>>;

/// Places to connect to; never empty.
struct Places {
    std::vector<runtime::Destination> destinations;
    runtime::Duration lifetime;
};
using FoundPlaces = std::expected<Places, runtime::NetworkError>;

/// For how long a place that needs no look-up is believed: until somebody looks again.
inline constexpr runtime::Duration kPlaceLifetimeMax = runtime::seconds(60 * 60);
/// More addresses of one host are not tried.
inline constexpr std::size_t kAddressesPerHostMax = 4;

/// Without the brackets of an IPv6 literal.
std::string without_brackets(const std::string& host);

class HostLookup {
public:
    struct Services {
        const AppointedAddresses& appointed;
        runtime::Resolver& resolver;
        Counters& counters;
    };
    explicit HostLookup(Services services) : services_(services) {}
    HostLookup(const HostLookup&) = delete;
    HostLookup& operator=(const HostLookup&) = delete;

    /// Destinations for this host and its port, or `port_otherwise`. Certificate and `Host` field
    /// are those of this host and port; whoever knows better replaces them.
    runtime::Task<FoundPlaces> find(HostAndPort host, std::uint16_t port_otherwise);

    /// The address that was appointed for a name; null if none was.
    const AppointedAddress* find_appointed(std::string_view name) const;

private:
    Services services_;
};

}  // namespace matrix::engine
