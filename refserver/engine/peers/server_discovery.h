// ServerDiscovery: where a server is asked, from its name: IP literals, ports, delegation by
// well-known, SRV records.
//
// What was found is kept for as long as DNS says, within bounds. Each destination carries the name
// that its certificate must have and its `Host` field, which differ from step to step.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#resolving-server-names
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "refserver/engine/peers/host_lookup.h"
#include "refserver/engine/peers/well_known.h"
#include "refserver/runtime/completion.h"
#include "refserver/runtime/task_group.h"

namespace matrix::engine {

inline constexpr std::uint16_t kFederationPort = 8448;
inline constexpr runtime::Duration kPlaceLifetimeLeast = runtime::seconds(10);
/// For how long a name that leads nowhere is not looked up again.
inline constexpr runtime::Duration kNoPlaceLifetime = runtime::seconds(10);
/// More SRV records of one name are not tried.
inline constexpr std::size_t kServicesTriedMax = 4;

/// SRV records in the order in which they are to be tried: by priority, and within one by a draw in
/// which each has its weight. Spec: RFC 2782.
std::vector<runtime::ServiceRecord> order_services(std::vector<runtime::ServiceRecord> records,
                                                   runtime::Random& random);

class ServerDiscovery {
public:
    struct Services {
        AppointedAddresses appointed;
        runtime::Resolver& resolver;
        runtime::Network& network;
        runtime::Clock& clock;
        runtime::RandomSource& random;
        runtime::Log& log;
        Counters& counters;
    };
    explicit ServerDiscovery(Services services);
    ServerDiscovery(const ServerDiscovery&) = delete;
    ServerDiscovery& operator=(const ServerDiscovery&) = delete;

    using Destinations = std::vector<runtime::Destination>;
    using Found = std::expected<Destinations, runtime::NetworkError>;
    /// Where to ask, in the order of trying; never empty. Tasks that ask for the same name share
    /// one search.
    runtime::Task<Found> find(ServerName server);

    /// This destination answered when those before it did not: it comes first from now on.
    void prefer(const ServerName& server, const runtime::Destination& destination);
    /// None of them could be reached: the next `find` looks again.
    void forget(const ServerName& server);

private:
    struct Entry {
        Found found = Destinations();
        runtime::Timestamp good_until;  // Monotonic.
        bool is_searching = false;
        runtime::Signal searched;
        std::uint64_t last_use = 0;
    };
    using EntryPtr = std::shared_ptr<Entry>;

    EntryPtr entry_of(const ServerName& server);
    void forget_least_used();
    runtime::Task<void> search(ServerName server, EntryPtr entry);
    runtime::Task<FoundPlaces> search_name(ServerName server);
    runtime::Task<FoundPlaces> search_delegated(ServerName delegated);
    bool needs_no_look_around(const ServerName& name, const HostAndPort& parts) const;
    runtime::Task<FoundPlaces> find_as_it_says(ServerName name, HostAndPort parts);
    runtime::Task<FoundPlaces> search_services(HostAndPort host);
    runtime::Task<FoundPlaces> places_of(std::string name, runtime::ServiceRecords services);

    Services services_;
    runtime::Random& random_;
    HostLookup hosts_;
    WellKnown well_known_;
    std::map<ServerName, EntryPtr> entries_;
    std::uint64_t uses_ = 0;
    runtime::TaskGroup searches_;
};

}  // namespace matrix::engine
