// WellKnown: what other servers' /.well-known/matrix/server says, asked with suspicion and kept.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#getwell-knownmatrixserver
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>

#include "refserver/engine/counters.h"
#include "refserver/engine/peers/host_lookup.h"
#include "refserver/engine/peers/https_url.h"
#include "refserver/protocol/identifiers.h"
#include "refserver/runtime/clock.h"
#include "refserver/runtime/log.h"
#include "refserver/runtime/network.h"
#include "refserver/runtime/random.h"
#include "refserver/runtime/task.h"

namespace matrix::engine {

inline constexpr runtime::Duration kWellKnownLifetimeLeast = runtime::seconds(60);
inline constexpr runtime::Duration kWellKnownLifetimeMost = runtime::seconds(48 * 60 * 60);
inline constexpr runtime::Duration kWellKnownLifetimeDefault = runtime::seconds(24 * 60 * 60);
/// Of a server that could not be asked: after the first failure, doubled by each that follows.
inline constexpr runtime::Duration kWellKnownErrorLifetimeLeast = runtime::seconds(60);
inline constexpr runtime::Duration kWellKnownErrorLifetimeMost = runtime::seconds(60 * 60);
inline constexpr int kWellKnownRedirectsMax = 5;
inline constexpr std::size_t kWellKnownBytesMax = 50 * 1024;
/// For all redirects and addresses together, and for one of them.
inline constexpr runtime::Duration kWellKnownTimeout = runtime::seconds(15);
inline constexpr runtime::Duration kWellKnownTryTimeout = runtime::seconds(7);

class WellKnown {
public:
    struct Services {
        HostLookup& hosts;
        runtime::Network& network;
        runtime::Clock& clock;
        runtime::Random& random;
        runtime::Log& log;
        Counters& counters;
    };
    explicit WellKnown(Services services) : services_(services) {}
    WellKnown(const WellKnown&) = delete;
    WellKnown& operator=(const WellKnown&) = delete;

    struct Delegation {
        std::optional<ServerName> name;  ///< Nothing: there is none, or it cannot be known now.
        runtime::Duration lifetime;      ///< From now.
    };
    /// To whom `host`, a DNS name, delegates. One host is asked about by one task at a time.
    runtime::Task<Delegation> find_delegation(std::string host);

private:
    struct Known {
        std::optional<ServerName> name;
        runtime::Timestamp good_until;     // Monotonic, as all of these.
        runtime::Timestamp name_given_at;  // When `name` was last read.
        int failures = 0;
        std::uint64_t last_use = 0;
    };
    /// Why there is no delegation.
    struct Failure {
        std::string what;
        /// The server has answered, so that it is no use to ask again soon.
        bool is_answer = false;
    };
    struct Document {
        ServerName name;
        runtime::Duration lifetime;
    };
    using Outcome = std::expected<Document, Failure>;

    runtime::Task<Outcome> fetch(std::string host);
    runtime::Task<runtime::Network::Result> ask(HttpsUrl url, runtime::Timestamp deadline);
    Outcome read(const runtime::HttpResponse& response) const;
    void note(Known& known, const std::string& host, const Outcome& outcome);
    void forget_least_used();

    Services services_;
    std::map<std::string, Known> known_;  ///< By host.
    std::uint64_t uses_ = 0;
};

}  // namespace matrix::engine
