#include "refserver/engine/peers/server_discovery.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/runtime/fault_point.h"

namespace matrix::engine {

using runtime::Task;

namespace {

constexpr std::size_t kDiscoveredServersMax = 4096;

std::unexpected<runtime::NetworkError> no_place(std::string what) {
    return std::unexpected(
        runtime::NetworkError{runtime::NetworkErrorKind::Unreachable, std::move(what)});
}

}  // namespace

std::vector<runtime::ServiceRecord> order_services(std::vector<runtime::ServiceRecord> records,
                                                   runtime::Random& random) {
    // Those of weight zero come first within their priority, so that they have a small chance. DNS
    // servers shuffle their answers: the draw alone decides.
    std::ranges::sort(records, {}, [](const runtime::ServiceRecord& record) {
        return std::tuple(record.priority, record.weight, record.target, record.port);
    });
    std::vector<runtime::ServiceRecord> ordered;
    while (!records.empty()) {
        const auto end = std::ranges::find_if(records, [&](const runtime::ServiceRecord& record) {
            return record.priority != records.front().priority;
        });
        std::uint64_t total = 0;
        for (auto record = records.begin(); record != end; ++record)
            total += record->weight;
        const std::uint64_t draw = random.below(total + 1);
        auto chosen = records.begin();
        std::uint64_t sum = chosen->weight;
        while (sum < draw)
            sum += (++chosen)->weight;
        ordered.push_back(std::move(*chosen));
        records.erase(chosen);
    }
    return ordered;
}

ServerDiscovery::ServerDiscovery(Services services)
    : services_(std::move(services)),
      random_(services_.random.stream("server discovery")),
      hosts_({.appointed = services_.appointed,
              .resolver = services_.resolver,
              .counters = services_.counters}),
      well_known_({.hosts = hosts_,
                   .network = services_.network,
                   .clock = services_.clock,
                   .random = random_,
                   .log = services_.log,
                   .counters = services_.counters}) {}

// --- What is known -------------------------------------------------------------------------------

ServerDiscovery::EntryPtr ServerDiscovery::entry_of(const ServerName& server) {
    EntryPtr& entry = entries_[server];
    if (!entry) {
        entry = std::make_shared<Entry>();
        entry->good_until = services_.clock.monotonic_now();
    }
    entry->last_use = ++uses_;
    EntryPtr kept = entry;
    if (entries_.size() > kDiscoveredServersMax) forget_least_used();
    return kept;
}

void ServerDiscovery::forget_least_used() {
    entries_.erase(std::ranges::min_element(
        entries_, {}, [](const auto& entry) { return entry.second->last_use; }));
}

Task<ServerDiscovery::Found> ServerDiscovery::find(ServerName server) {
    const EntryPtr entry = entry_of(server);
    const bool is_good = services_.clock.monotonic_now() < entry->good_until &&
                         !SIM_FAULT_POINT("a place that is known is sought again");
    if (!entry->is_searching && is_good) {
        SIM_SOMETIMES("a place is known from before");
        co_return entry->found;
    }
    if (!std::exchange(entry->is_searching, true)) {
        ++services_.counters.discoveries;
        searches_.start(search(std::move(server), entry));
    }
    if (entry->is_searching) co_await entry->searched.wait();
    co_return entry->found;
}

Task<void> ServerDiscovery::search(ServerName server, EntryPtr entry) {
    FoundPlaces places = co_await search_name(server);
    runtime::Duration lifetime = kNoPlaceLifetime;
    if (places) {
        entry->found = std::move(places->destinations);
        lifetime = std::clamp(places->lifetime, kPlaceLifetimeLeast, kPlaceLifetimeMax);
    } else {
        SIM_SOMETIMES("a server cannot be found");
        ++services_.counters.discovery_failures;
        services_.log.info(
            "discovery",
            "discovery_failed server=" + server.text() + " why=" + places.error().what);
        entry->found = std::unexpected(std::move(places).error());
    }
    entry->good_until = services_.clock.monotonic_now() + lifetime;
    entry->is_searching = false;
    entry->searched.notify_all();
}

void ServerDiscovery::prefer(const ServerName& server, const runtime::Destination& destination) {
    const auto entry = entries_.find(server);
    if (entry == entries_.end() || !entry->second->found) return;
    Destinations& known = *entry->second->found;
    const auto place = std::ranges::find_if(known, [&](const runtime::Destination& one) {
        return one.connect_to() == destination.connect_to() && one.port == destination.port;
    });
    if (place != known.end()) {
        SIM_SOMETIMES("a place that answers is preferred to one that does not");
        std::rotate(known.begin(), place, place + 1);
    }
}

void ServerDiscovery::forget(const ServerName& server) {
    const auto entry = entries_.find(server);
    if (entry != entries_.end()) entry->second->good_until = services_.clock.monotonic_now();
}

// --- The steps of the specification --------------------------------------------------------------

Task<FoundPlaces> ServerDiscovery::search_name(ServerName server) {
    const auto parts = split_server_name(server);
    if (!parts) co_return no_place("expected " + parts.error().what);
    if (needs_no_look_around(server, *parts)) {
        SIM_SOMETIMES("a name needs no look around");
        co_return co_await find_as_it_says(server, *parts);
    }

    // Step 3.
    const WellKnown::Delegation delegation = co_await well_known_.find_delegation(parts->host);
    SIM_SOMETIMES(delegation.name.has_value(), "a well-known file delegates a name");
    FoundPlaces found = delegation.name ? co_await search_delegated(*delegation.name)
                                        : co_await search_services(*parts);
    if (found) found->lifetime = std::min(found->lifetime, delegation.lifetime);
    co_return found;
}

// Steps 3.1 to 3.5. What the delegated name delegates is not asked.
Task<FoundPlaces> ServerDiscovery::search_delegated(ServerName delegated) {
    const auto parts = split_server_name(delegated);
    if (!parts) co_return no_place("m.server: expected " + parts.error().what);
    if (needs_no_look_around(delegated, *parts)) {
        SIM_SOMETIMES("a delegated name needs no look around");
        co_return co_await find_as_it_says(delegated, *parts);
    }
    co_return co_await search_services(*parts);
}

bool ServerDiscovery::needs_no_look_around(const ServerName& name, const HostAndPort& parts) const {
    return parts.is_ip_literal || parts.port || hosts_.find_appointed(name.view());
}

// Steps 1, 2, 3.1 and 3.2, and addresses that were appointed for a name.
Task<FoundPlaces> ServerDiscovery::find_as_it_says(ServerName name, HostAndPort parts) {
    const AppointedAddress* appointed = hosts_.find_appointed(name.view());
    if (!appointed) co_return co_await hosts_.find(std::move(parts), kFederationPort);
    co_return Places{{{.host = without_brackets(parts.host),
                       .port = appointed->port,
                       .host_header = name.text(),
                       .address = appointed->ip,
                       .trust = runtime::AddressTrust::Appointed}},
                     kPlaceLifetimeMax};
}

// Steps 3.3 to 3.5 and 4 to 6. Certificate and `Host` are those of `host`, wherever DNS leads: it
// could be forged.
Task<FoundPlaces> ServerDiscovery::search_services(HostAndPort host) {
    for (const std::string_view service : {"_matrix-fed._tcp.", "_matrix._tcp."}) {
        const std::string name = std::string(service) + host.host;
        ++services_.counters.dns_questions;
        auto services = co_await services_.resolver.find_services(name);
        if (!services) {
            // UNSPECIFIED: what a failed look-up is. We chose to go on, because many DNS servers
            // fail at names that begin with an underscore, and the certificate decides anyhow.
            if (services.error().kind == runtime::ResolveErrorKind::NotFound) continue;
            SIM_SOMETIMES("a service record cannot be looked up");
            ++services_.counters.dns_failures;
            services_.log.info("discovery",
                               "srv_failed name=" + name + " why=" + services.error().what);
            continue;
        }
        SIM_SOMETIMES(service == "_matrix-fed._tcp.", "a service record leads to a server");
        SIM_SOMETIMES(service == "_matrix._tcp.",
                      "a service record of the old name leads to a server");
        FoundPlaces found = co_await places_of(name, *std::move(services));
        if (!found) co_return found;
        for (runtime::Destination& destination : found->destinations) {
            destination.host = host.host;
            destination.host_header = host.host;
        }
        co_return found;
    }
    SIM_SOMETIMES("a server is sought at the default port");
    co_return co_await hosts_.find(host, kFederationPort);
}

Task<FoundPlaces> ServerDiscovery::places_of(std::string name, runtime::ServiceRecords services) {
    FoundPlaces found = no_place(name + " says that there is no service");
    Places places{.destinations = {}, .lifetime = services.lifetime};
    std::size_t tried = 0;
    for (const auto& record : order_services(std::move(services.records), random_)) {
        if (tried++ == kServicesTriedMax) break;
        if (record.target.empty()) {
            SIM_SOMETIMES("DNS says that there is no service");
            continue;  // RFC 2782: "decidedly not available".
        }
        const auto target = parse_server_name(record.target);
        auto host = target ? split_server_name(*target) : std::unexpected(target.error());
        if (!host || host->is_ip_literal || host->port) {
            SIM_SOMETIMES("a service record names no host");
            found = no_place(name + ": target: expected a host name");
            continue;
        }
        host->port = record.port;
        FoundPlaces one = co_await hosts_.find(*std::move(host), record.port);
        if (!one) {
            found = std::unexpected(std::move(one).error());
            continue;
        }
        places.lifetime = std::min(places.lifetime, one->lifetime);
        std::ranges::move(one->destinations, std::back_inserter(places.destinations));
    }
    if (!places.destinations.empty()) found = std::move(places);
    co_return found;
}

}  // namespace matrix::engine
