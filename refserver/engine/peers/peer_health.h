// PeerHealth: which servers can be asked now. All outgoing requests share it, so that a dead server
// costs little: it is asked less and less, and never by more than some requests at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "refserver/engine/counters.h"
#include "refserver/engine/error.h"
#include "refserver/protocol/identifiers.h"
#include "refserver/runtime/clock.h"
#include "refserver/runtime/log.h"
#include "refserver/runtime/random.h"

namespace matrix::engine {

/// So many failures one after the other, without a success between them, are chance.
inline constexpr int kFailuresTolerated = 2;
/// After the next one; doubled by each that follows.
inline constexpr runtime::Duration kPeerPauseLeast = runtime::seconds(1);
inline constexpr runtime::Duration kPeerPauseMost = runtime::seconds(10 * 60);
inline constexpr std::size_t kRequestsPerPeerMax = 100;

/// Whether a request minds the pause of a server.
enum class Insistence {
    Patient,    ///< It fails at once.
    Insistent,  ///< It goes out: its caller has a back-off of its own.
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

    struct Report {
        ServerName server;
        int failures;
        runtime::Duration pause_left;
        std::size_t requests;
    };
    /// Servers that failed last, or are being asked.
    std::vector<Report> list() const;

private:
    struct Peer {
        std::size_t requests = 0;
        int failures = 0;
        std::uint64_t counts_from = 0;  ///< Attempts that began before failed with an earlier one.
        runtime::Timestamp last_failure;  // Monotonic, as the next.
        runtime::Timestamp ask_after;
        bool is_probing = false;  ///< The one request after a pause is out.
    };
    using Peers = std::map<ServerName, Peer>;

    void release(Peers::iterator peer);
    void forget_one();

    Services services_;
    runtime::Random& random_;
    std::uint64_t attempts_ = 0;
    Peers peers_;  ///< Only those that failed last, or are being asked.
};

}  // namespace matrix::engine
