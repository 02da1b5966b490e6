#include "refserver/engine/peers/peer_health.h"

#include <algorithm>
#include <utility>

#include "refserver/base/assert.h"

namespace matrix::engine {
namespace {

constexpr std::size_t kPeersMax = 10'000;

}  // namespace

Result<PeerHealth::Attempt> PeerHealth::begin(const ServerName& server, Insistence insistence) {
    const runtime::Timestamp now = services_.clock.monotonic_now();
    Peer& peer = peers_[server];
    if (peer.requests >= kRequestsPerPeerMax) {
        ++services_.counters.outgoing_refused_by_limit;
        return bad_gateway(server.text() + ": too many requests are waiting for its answer");
    }
    const bool is_suspect = peer.failures > kFailuresTolerated;
    if (is_suspect && insistence == Insistence::Patient) {
        // After a pause one request finds out; the others do not wait with it.
        if (now < peer.ask_after || peer.is_probing) {
            ++services_.counters.outgoing_refused_by_pause;
            const std::int64_t left_ms = std::max<std::int64_t>((peer.ask_after - now).value, 0);
            return bad_gateway(server.text() + ": failed " + std::to_string(peer.failures) +
                               " times; it is asked again in " + std::to_string(left_ms / 1000) +
                               " s");
        }
        peer.is_probing = true;
    }
    ++peer.requests;
    ++services_.counters.outgoing_requests;
    if (peers_.size() > kPeersMax) forget_one();
    return Attempt{server, attempts_++};
}

// Of those that are not being asked, the one that may be asked first.
void PeerHealth::forget_one() {
    auto victim = peers_.end();
    for (auto peer = peers_.begin(); peer != peers_.end(); ++peer) {
        if (peer->second.requests > 0) continue;
        if (victim == peers_.end() || peer->second.ask_after < victim->second.ask_after) {
            victim = peer;
        }
    }
    if (victim != peers_.end()) peers_.erase(victim);
}

void PeerHealth::end_well(const Attempt& attempt) {
    const auto peer = peers_.find(attempt.server);
    MATRIX_ASSERT(peer != peers_.end());  // It is kept while it is asked.
    if (peer->second.failures > kFailuresTolerated) {
        services_.log.info("federation", "peer_recovered server=" + attempt.server.text());
    }
    peer->second.failures = 0;
    release(peer);
}

void PeerHealth::end_badly(const Attempt& attempt, std::string_view failure) {
    ++services_.counters.outgoing_failures;
    const auto found = peers_.find(attempt.server);
    MATRIX_ASSERT(found != peers_.end());
    Peer& peer = found->second;
    const runtime::Timestamp now = services_.clock.monotonic_now();
    // Requests that were out together fail together: that is one failure.
    if (attempt.number >= peer.counts_from) {
        ++peer.failures;
        peer.counts_from = attempts_;
        peer.last_failure = now;
        const int doublings = std::clamp(peer.failures - kFailuresTolerated - 1, 0, 20);
        const std::int64_t pause_ms =
            std::min(kPeerPauseLeast.value << doublings, kPeerPauseMost.value);
        // From half of it to all of it.
        const auto half = static_cast<std::uint64_t>(pause_ms / 2);
        const auto drawn_ms = static_cast<std::int64_t>(half + random_.below(half + 1));
        peer.ask_after = now + runtime::milliseconds(drawn_ms);
        services_.log.info("federation",
                           "peer_failed server=" + attempt.server.text() + " failures=" +
                               std::to_string(peer.failures) + " why=" + std::string(failure));
    }
    release(found);
}

void PeerHealth::withdraw(const Attempt& attempt) {
    const auto peer = peers_.find(attempt.server);
    MATRIX_ASSERT(peer != peers_.end());
    release(peer);
}

void PeerHealth::release(Peers::iterator peer) {
    MATRIX_ASSERT(peer->second.requests > 0);
    peer->second.is_probing = false;
    if (--peer->second.requests == 0 && peer->second.failures == 0) peers_.erase(peer);
}

void PeerHealth::server_is_back(const ServerName& server) {
    const auto peer = peers_.find(server);
    if (peer == peers_.end()) return;
    // It may reach us while we do not reach it.
    const runtime::Timestamp now = services_.clock.monotonic_now();
    if (now - peer->second.last_failure < kPeerPauseLeast) return;
    peer->second.ask_after = std::min(peer->second.ask_after, now);
}

std::vector<PeerHealth::Report> PeerHealth::list() const {
    const runtime::Timestamp now = services_.clock.monotonic_now();
    std::vector<Report> reports;
    for (const auto& [server, peer] : peers_) {
        const runtime::Duration left = peer.failures > kFailuresTolerated
                                           ? std::max(peer.ask_after - now, runtime::Duration{0})
                                           : runtime::Duration{0};
        reports.push_back({server, peer.failures, left, peer.requests});
    }
    return reports;
}

}  // namespace matrix::engine
