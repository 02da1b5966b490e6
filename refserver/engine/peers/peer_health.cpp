#include "refserver/engine/peers/peer_health.h"

#include <algorithm>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/base/sometimes.h"
#include "refserver/runtime/fault_point.h"

namespace matrix::engine {
namespace {

constexpr std::size_t kPeersMax = 10'000;

}  // namespace

Result<PeerHealth::Attempt> PeerHealth::begin(const ServerName& server, Insistence insistence) {
    const runtime::Timestamp now = services_.clock.monotonic_now();
    Peer& peer = peers_[server];
    if (peer.requests >= kRequestsPerPeerMax) {
        SIM_SOMETIMES("too many requests wait for one server");
        ++services_.counters.outgoing_refused_by_limit;
        return bad_gateway(server.text() + ": too many requests are waiting for its answer");
    }
    if (peer.is_suspect() && insistence == Insistence::Patient) {
        // After a pause one request finds out; the others do not wait with it.
        if (now < peer.reach.ask_after || peer.is_probing) {
            SIM_SOMETIMES("a request is refused while its server pauses");
            ++services_.counters.outgoing_refused_by_pause;
            const std::int64_t left_ms =
                std::max<std::int64_t>((peer.reach.ask_after - now).value, 0);
            return bad_gateway(server.text() + ": failed " + std::to_string(peer.reach.failures) +
                               " times; it is asked again in " + std::to_string(left_ms / 1000) +
                               " s");
        }
        SIM_SOMETIMES("one request finds out whether a server is back");
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
        if (victim == peers_.end() ||
            peer->second.reach.ask_after < victim->second.reach.ask_after) {
            victim = peer;
        }
    }
    if (victim != peers_.end()) peers_.erase(victim);
}

void PeerHealth::end_well(const Attempt& attempt) {
    const auto peer = peers_.find(attempt.server);
    MATRIX_ASSERT(peer != peers_.end());  // It is kept while it is asked.
    const bool is_recovery = peer->second.is_suspect();
    peer->second.reach.failures = 0;
    if (is_recovery) end_pause(peer->second.transactions);
    release(peer);
    if (!is_recovery) return;
    SIM_SOMETIMES("a server recovers");
    services_.log.info("federation", "peer_recovered server=" + attempt.server.text());
    if (on_back_) on_back_(attempt.server);
}

void PeerHealth::end_badly(const Attempt& attempt, std::string_view failure) {
    ++services_.counters.outgoing_failures;
    const auto found = peers_.find(attempt.server);
    MATRIX_ASSERT(found != peers_.end());
    Peer& peer = found->second;
    // Requests that were out together fail together: that is one failure.
    if (attempt.number >= peer.counts_from) {
        SIM_SOMETIMES("a request to a server fails");
        peer.counts_from = attempts_;
        note_failure(peer.reach, kFailuresTolerated);
        services_.log.info("federation",
                           "peer_failed server=" + attempt.server.text() +
                               " failures=" + std::to_string(peer.reach.failures) +
                               " why=" + std::string(failure));
    }
    SIM_SOMETIMES(attempt.number < peer.counts_from,
                  "requests that were out together fail together");
    release(found);
}

void PeerHealth::note_failure(Pause& pause, int tolerated) {
    ++pause.failures;
    pause.last_failure = services_.clock.monotonic_now();
    const int doublings = std::clamp(pause.failures - tolerated - 1, 0, 20);
    const std::int64_t pause_ms =
        std::min(kPeerPauseLeast.value << doublings, kPeerPauseMost.value);
    // From half of it to all of it, so that servers which failed together do not come together.
    const auto half = static_cast<std::uint64_t>(pause_ms / 2);
    const auto drawn_ms = static_cast<std::int64_t>(half + random_.below(half + 1));
    if (SIM_FAULT_POINT("a server that failed is asked again at once")) return;
    pause.ask_after = pause.last_failure + runtime::milliseconds(drawn_ms);
}

void PeerHealth::withdraw(const Attempt& attempt) {
    const auto peer = peers_.find(attempt.server);
    MATRIX_ASSERT(peer != peers_.end());
    release(peer);
}

void PeerHealth::release(Peers::iterator peer) {
    MATRIX_ASSERT(peer->second.requests > 0);
    peer->second.is_probing = false;
    if (--peer->second.requests == 0 && peer->second.is_well()) peers_.erase(peer);
}

// Not when it has failed just now: it may reach us while we do not reach it.
bool PeerHealth::end_pause(Pause& pause) const {
    const runtime::Timestamp now = services_.clock.monotonic_now();
    if (pause.failures == 0 || now - pause.last_failure < kPeerPauseLeast) return false;
    pause.ask_after = std::min(pause.ask_after, now);
    return true;
}

void PeerHealth::server_is_back(const ServerName& server) {
    const auto peer = peers_.find(server);
    if (peer == peers_.end()) return;
    const bool is_reached = end_pause(peer->second.reach);
    const bool is_trying = end_pause(peer->second.transactions);
    SIM_SOMETIMES(is_reached || is_trying, "a server shows that it is back");
    if ((is_reached || is_trying) && on_back_) on_back_(server);
}

// --- Transactions --------------------------------------------------------------------------------

PeerHealth::TransactionPause PeerHealth::transaction_pause(const ServerName& server) const {
    const auto found = peers_.find(server);
    if (found == peers_.end()) return {};
    const Peer& peer = found->second;
    runtime::Timestamp until = peer.transactions.ask_after;
    if (peer.is_suspect()) until = std::max(until, peer.reach.ask_after);
    const runtime::Duration left = until - services_.clock.monotonic_now();
    return {peer.transactions.failures, std::max(left, runtime::Duration{0})};
}

void PeerHealth::transaction_failed(const ServerName& server) {
    note_failure(peers_[server].transactions, 0);
}

void PeerHealth::transaction_taken(const ServerName& server) {
    const auto peer = peers_.find(server);
    if (peer == peers_.end()) return;
    peer->second.transactions = {};
    if (peer->second.requests == 0 && peer->second.is_well()) peers_.erase(peer);
}

void PeerHealth::remember(const ServerName& server, TransactionPause pause) {
    const runtime::Timestamp now = services_.clock.monotonic_now();
    peers_[server].transactions = {.failures = pause.failures,
                                   .last_failure = now,
                                   .ask_after = now + std::min(pause.left, kPeerPauseMost)};
}

std::vector<PeerHealth::Report> PeerHealth::list() const {
    const runtime::Timestamp now = services_.clock.monotonic_now();
    std::vector<Report> reports;
    for (const auto& [server, peer] : peers_) {
        const runtime::Duration left =
            peer.is_suspect() ? std::max(peer.reach.ask_after - now, runtime::Duration{0})
                              : runtime::Duration{0};
        reports.push_back(
            {server, peer.reach.failures, left, peer.requests, transaction_pause(server)});
    }
    return reports;
}

}  // namespace matrix::engine
