// Counters: what a server did, for benchmarks, the simulator and inspection.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace matrix::engine {

struct Counters {
    std::uint64_t requests = 0;
    std::uint64_t events_sent = 0;        ///< Accepted, by our users.
    std::uint64_t events_received = 0;    ///< Accepted, from other servers.
    std::uint64_t events_backfilled = 0;  ///< Of the history before ours.
    std::uint64_t events_rejected = 0;
    std::uint64_t events_soft_failed = 0;
    std::uint64_t events_dropped = 0;  ///< Of other servers: not stored, whatever the reason.
    std::uint64_t resolutions = 0;     ///< Of two or more different states.
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
    std::uint64_t transactions_failed = 0;         ///< Of ours; each attempt counts.
    std::uint64_t discoveries = 0;
    std::uint64_t discovery_failures = 0;
    std::uint64_t well_known_fetches = 0;
    std::uint64_t well_known_failures = 0;  ///< Servers that delegate nothing among them.
    std::uint64_t dns_questions = 0;
    std::uint64_t dns_failures = 0;
    std::uint64_t key_fetches = 0;
    std::uint64_t key_fetch_failures = 0;
    std::uint64_t key_notary_fetches = 0;  ///< From a trusted notary, because the origin failed.
    std::uint64_t key_notary_failures = 0;

    // Of the storage and the loop, which count for themselves; see `Server::counters`.
    std::uint64_t commits = 0;
    std::uint64_t failed_commits = 0;
    std::uint64_t disk_full_commits = 0;  ///< Of those, the ones for which there was no room.
    std::uint64_t failed_checkpoints = 0;
    std::uint64_t turns = 0;
    std::uint64_t slow_turns = 0;  ///< Longer than `runtime::kSlowTurnUs`, by the clock.
};

/// A counter as metrics and inspection name it. Sums, JSON and metrics are all made from the table.
struct NamedCounter {
    std::string_view name;
    std::uint64_t Counters::* count;
};
inline constexpr std::array kNamedCounters{
    NamedCounter{"requests", &Counters::requests},
    NamedCounter{"events_sent", &Counters::events_sent},
    NamedCounter{"events_received", &Counters::events_received},
    NamedCounter{"events_backfilled", &Counters::events_backfilled},
    NamedCounter{"events_rejected", &Counters::events_rejected},
    NamedCounter{"events_soft_failed", &Counters::events_soft_failed},
    NamedCounter{"events_dropped", &Counters::events_dropped},
    NamedCounter{"resolutions", &Counters::resolutions},
    NamedCounter{"resolutions_with_conflict", &Counters::resolutions_with_conflict},
    NamedCounter{"resolutions_by_mainline", &Counters::resolutions_by_mainline},
    NamedCounter{"edus_sent", &Counters::edus_sent},
    NamedCounter{"edus_dropped", &Counters::edus_dropped},
    NamedCounter{"edus_received", &Counters::edus_received},
    NamedCounter{"edus_refused", &Counters::edus_refused},
    NamedCounter{"outgoing_requests", &Counters::outgoing_requests},
    NamedCounter{"outgoing_failures", &Counters::outgoing_failures},
    NamedCounter{"outgoing_refused_by_pause", &Counters::outgoing_refused_by_pause},
    NamedCounter{"outgoing_refused_by_limit", &Counters::outgoing_refused_by_limit},
    NamedCounter{"outgoing_refused_addresses", &Counters::outgoing_refused_addresses},
    NamedCounter{"transactions_failed", &Counters::transactions_failed},
    NamedCounter{"discoveries", &Counters::discoveries},
    NamedCounter{"discovery_failures", &Counters::discovery_failures},
    NamedCounter{"well_known_fetches", &Counters::well_known_fetches},
    NamedCounter{"well_known_failures", &Counters::well_known_failures},
    NamedCounter{"dns_questions", &Counters::dns_questions},
    NamedCounter{"dns_failures", &Counters::dns_failures},
    NamedCounter{"key_fetches", &Counters::key_fetches},
    NamedCounter{"key_fetch_failures", &Counters::key_fetch_failures},
    NamedCounter{"key_notary_fetches", &Counters::key_notary_fetches},
    NamedCounter{"key_notary_failures", &Counters::key_notary_failures},
    NamedCounter{"commits", &Counters::commits},
    NamedCounter{"failed_commits", &Counters::failed_commits},
    NamedCounter{"disk_full_commits", &Counters::disk_full_commits},
    NamedCounter{"failed_checkpoints", &Counters::failed_checkpoints},
    NamedCounter{"turns", &Counters::turns},
    NamedCounter{"slow_turns", &Counters::slow_turns},
};
// A counter without a name would be invisible.
static_assert(kNamedCounters.size() * sizeof(std::uint64_t) == sizeof(Counters));

/// Sums of what several servers counted.
inline Counters& operator+=(Counters& sum, const Counters& more) {
    for (const NamedCounter& counter : kNamedCounters)
        sum.*counter.count += more.*counter.count;
    return sum;
}

}  // namespace matrix::engine
