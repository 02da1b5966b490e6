// fsck: verifies a database anew, as if nothing in it could be believed.
//
// Reads, never writes, never asks another server. What depended on something that the database no
// longer says (a key that was never kept, the current state of an earlier time, content that was
// redacted since) is counted as unjudged, not reported.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

#include "refserver/protocol/identifiers.h"
#include "refserver/protocol/signatures.h"
#include "refserver/storage/database.h"

namespace matrix::engine {

/// One thing that is not as it must be.
struct Breach {
    std::string_view name;  ///< Stable, from the table in refserver/admin/README.md: "event_hash".
    std::string room_id;    ///< Empty where it concerns no room, as are the next ones.
    std::string event_id;
    std::string expected;
    std::string found;
};
std::ostream& operator<<(std::ostream& out, const Breach& breach);

struct FsckOptions {
    ServerName server_name;  ///< Whose database it is: what its own keys sign.
    std::int64_t now_ts = 0;
    std::function<std::unique_ptr<Signer>(KeyId, std::string_view seed)> make_signer =
        make_ed25519_signer;
    const Verifier* verifier = &ed25519_verifier();
    std::function<void(const Breach&)> on_breach = [](const Breach&) {};
    /// Called now and then: which part, how many rows of it are done, and of how many.
    std::function<void(std::string_view part, std::uint64_t done, std::uint64_t of)> on_progress =
        [](std::string_view, std::uint64_t, std::uint64_t) {};
};

/// What was looked at, and what could not be judged.
struct FsckCounts {
    std::uint64_t breaches = 0;
    std::uint64_t rooms = 0;
    std::uint64_t events = 0;
    std::uint64_t signatures = 0;
    std::uint64_t signatures_unjudged = 0;  ///< By keys that the database does not have.
    std::uint64_t verdicts_unjudged = 0;    ///< On what was redacted, or placed, later.
    std::uint64_t states = 0;               ///< Recomputed from the events before.
    std::uint64_t states_unjudged = 0;      ///< Told by a peer, or of events that came out of turn.
    std::uint64_t resolutions = 0;
    std::uint64_t state_nodes = 0;
    std::uint64_t state_nodes_unreachable = 0;
    std::uint64_t files = 0;
};

/// Checks all of it. Memory: some thousand events and states, 33 bytes for each state node, a bit
/// for each event.
///
/// The database must not be in the middle of a turn. If the disk fails, `has_failed()` of the
/// database is true afterwards, and the counts mean nothing.
FsckCounts check_database(storage::Database& database, const FsckOptions& options);

}  // namespace matrix::engine
