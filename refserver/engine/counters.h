// Counters: what a server did, for benchmarks, the simulator and inspection.
#pragma once

#include <cstdint>

namespace matrix::engine {

struct Counters {
    std::uint64_t requests = 0;
    std::uint64_t events_sent = 0;        ///< Accepted, by our users.
    std::uint64_t events_received = 0;    ///< Accepted, from other servers.
    std::uint64_t events_backfilled = 0;  ///< Of the history before ours.
    std::uint64_t events_rejected = 0;
    std::uint64_t events_soft_failed = 0;
    std::uint64_t resolutions = 0;  ///< Of two or more different states.
    std::uint64_t resolutions_with_conflict = 0;
    std::uint64_t resolutions_by_mainline = 0;

    // Ephemeral data units, of every type.
    std::uint64_t edus_sent = 0;      ///< Taken by a peer.
    std::uint64_t edus_dropped = 0;   ///< Not sent: the peer is down, or too many wait for it.
    std::uint64_t edus_received = 0;  ///< Of a type that we know, right or wrong.
    std::uint64_t edus_refused = 0;   ///< Of those, the wrong ones.

    // Requests to other servers.
    std::uint64_t outgoing_requests = 0;
    std::uint64_t outgoing_failures = 0;  ///< No answer, whatever the reason.
    std::uint64_t outgoing_refused_by_pause = 0;
    std::uint64_t outgoing_refused_by_limit = 0;
    std::uint64_t outgoing_refused_addresses = 0;  ///< By the policy for addresses.
    std::uint64_t discoveries = 0;
    std::uint64_t discovery_failures = 0;
    std::uint64_t well_known_fetches = 0;
    std::uint64_t well_known_failures = 0;  ///< Servers that delegate nothing among them.
    std::uint64_t dns_questions = 0;
    std::uint64_t dns_failures = 0;
    std::uint64_t key_fetches = 0;
    std::uint64_t key_fetch_failures = 0;
    std::uint64_t key_notary_fetches = 0;  ///< From a trusted notary, because the origin failed.
};

}  // namespace matrix::engine
