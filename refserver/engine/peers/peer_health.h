// PeerHealth: which servers can be asked now. All outgoing requests share it, so that a dead server
// costs little: it is asked less and less, and never by more than some requests at a time. The
// pauses between attempts at a transaction are its too: one that answers may still take none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string_view>
#include <vector>

#include "refserver/engine/counters.h"
#include "refserver/engine/error.h"
#include "refserver/protocol/identifiers.h"
#include "refserver/runtime/clock.h"
#include "refserver/runtime/log.h"
#include "refserver/runtime/random.h"

namespace matrix::engine {

/// So many failures one after the other, without a success between them, are chance.
inline constexpr int kFailuresTolerated = 2;
/// After the next one, and after the first transaction that fails; doubled by each that follows.
inline constexpr runtime::Duration kPeerPauseLeast = runtime::seconds(1);
inline constexpr runtime::Duration kPeerPauseMost = runtime::seconds(10 * 60);
inline constexpr std::size_t kRequestsPerPeerMax = 100;

/// Whether a request minds the pause of a server.
enum class Insistence {
    Patient,    ///< It fails at once.
    Insistent,  ///< It goes out: its caller has waited for that long.
};

class PeerHealth {
public:
    struct Services {
        runtime::Clock& clock;
        runtime::RandomSource& random;
        runtime::Log& log;
        Counters& counters;
    };
    explicit PeerHealth(Services services)
        : services_(services), random_(services_.random.stream("peer health")) {}
    PeerHealth(const PeerHealth&) = delete;
    PeerHealth& operator=(const PeerHealth&) = delete;

    /// One attempt, between `begin` and `end`.
    struct Attempt {
        ServerName server;
        std::uint64_t number = 0;  ///< In the order of beginning.
    };
    /// 502 M_UNKNOWN says for how long the server is not asked.
    Result<Attempt> begin(const ServerName& server, Insistence insistence);
    /// An answer of any status is a success; a failure is named for the log.
    void end_well(const Attempt& attempt);
    void end_badly(const Attempt& attempt, std::string_view failure);
    /// Nothing was sent, for a reason of our own.
    void withdraw(const Attempt& attempt);

    /// The server has just sent us something: it may be asked now.
    void server_is_back(const ServerName& server);
    /// Called when a server that failed may be asked before its pause has ended; null: nobody is.
    void on_back(std::function<void(const ServerName&)> callback) {
        on_back_ = std::move(callback);
    }

    // Attempts to bring a server a transaction, each of which is a request besides.
    struct TransactionPause {
        int failures = 0;  ///< In a row, of whatever kind.
        runtime::Duration left{0};
    };
    TransactionPause transaction_pause(const ServerName& server) const;
    void transaction_failed(const ServerName& server);
    void transaction_taken(const ServerName& server);
    /// What an earlier process knew; the pause is never longer than `kPeerPauseMost`.
    void remember(const ServerName& server, TransactionPause pause);

    struct Report {
        ServerName server;
        int failures;
        runtime::Duration pause_left;
        std::size_t requests;
        TransactionPause transactions;
    };
    /// Servers that failed last, or are being asked.
    std::vector<Report> list() const;

private:
    struct Pause {
        int failures = 0;
        runtime::Timestamp last_failure;  // Monotonic, as the next.
        runtime::Timestamp ask_after;
    };
    struct Peer {
        std::size_t requests = 0;
        std::uint64_t counts_from = 0;  ///< Attempts that began before failed with an earlier one.
        Pause reach;
        Pause transactions;
        bool is_probing = false;  ///< The one request after a pause is out.

        bool is_suspect() const { return reach.failures > kFailuresTolerated; }
        bool is_well() const { return reach.failures == 0 && transactions.failures == 0; }
    };
    using Peers = std::map<ServerName, Peer>;

    void note_failure(Pause& pause, int tolerated);
    void log_failure(const ServerName& server, const Peer& peer, std::string_view failure) const;
    bool end_pause(Pause& pause) const;
    void release(Peers::iterator peer);
    void forget_one();

    Services services_;
    runtime::Random& random_;
    std::uint64_t attempts_ = 0;
    Peers peers_;  ///< Only those that failed last, or are being asked.
    std::function<void(const ServerName&)> on_back_;
};

}  // namespace matrix::engine
