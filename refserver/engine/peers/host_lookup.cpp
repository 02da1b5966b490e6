#include "refserver/engine/peers/host_lookup.h"

#include <algorithm>

#include "refserver/base/sometimes.h"

namespace matrix::engine {

std::string without_brackets(const std::string& host) {
    return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

const AppointedAddress* HostLookup::find_appointed(std::string_view name) const {
    const auto entry = services_.appointed.find(name);
    return entry == services_.appointed.end() ? nullptr : &entry->second;
}

runtime::Task<FoundPlaces> HostLookup::find(HostAndPort host, std::uint16_t port_otherwise) {
    runtime::Destination destination;
    destination.host = without_brackets(host.host);
    destination.port = host.port.value_or(port_otherwise);
    destination.host_header = host.host;
    if (host.port) destination.host_header += ":" + std::to_string(*host.port);
    Places places{.destinations = {}, .lifetime = kPlaceLifetimeMax};

    const std::string name = host.host + ":" + std::to_string(destination.port);
    if (const AppointedAddress* appointed = find_appointed(name)) {
        destination.address = appointed->ip;
        destination.port = appointed->port;
        destination.trust = runtime::AddressTrust::Appointed;
        places.destinations.push_back(std::move(destination));
        co_return places;
    }
    if (host.is_ip_literal) {
        destination.address = destination.host;
        places.destinations.push_back(std::move(destination));
        co_return places;
    }
    ++services_.counters.dns_questions;
    const auto found = co_await services_.resolver.find_addresses(host.host);
    if (!found) {
        SIM_SOMETIMES("a host has no address");
        ++services_.counters.dns_failures;
        co_return std::unexpected(
            runtime::NetworkError{runtime::NetworkErrorKind::Unreachable,
                                  "no address of " + host.host + ": " + found.error().what});
    }
    places.lifetime = std::min(places.lifetime, found->lifetime);
    for (const std::string& address : found->addresses) {
        if (places.destinations.size() == kAddressesPerHostMax) break;
        destination.address = address;
        places.destinations.push_back(destination);
    }
    co_return places;
}

}  // namespace matrix::engine
