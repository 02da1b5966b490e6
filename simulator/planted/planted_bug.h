// Planted bugs: what a simulated world does wrong on purpose, to show that checkers see it and that
// the shrinker finds the little that it needs.
//
// The engine is not changed: a saboteur stands between a server and its network, signatures or
// database. A bug that can be planted is named by `--plant`; it is no part of a scenario.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/oracle/switches.h"
#include "refserver/protocol/signatures.h"
#include "refserver/runtime/network.h"

namespace matrix::simulator {

class World;

/// One planted bug in one run. Each function is a place where it may act; most do nothing.
class Saboteur {
public:
    virtual ~Saboteur() = default;

    /// A request, of a client or of a server, arrives at this server. An answer: the server itself
    /// never sees it.
    virtual std::optional<runtime::HttpResponse> intercept(
        int /*server*/, const runtime::HttpRequest& /*request*/) {
        return std::nullopt;
    }
    /// May this server's answer to a request be altered? Then `alter` gets it.
    virtual bool is_altered(int /*server*/, const runtime::HttpRequest& /*request*/) {
        return false;
    }
    virtual void alter(runtime::HttpResponse& /*response*/) {}
    /// What this server verifies signatures with, instead of `sound`.
    virtual const Verifier& verifier_of(int /*server*/, const Verifier& sound) { return sound; }
    /// Where the oracle errs: as if all servers, fsck among them, had the bug in common.
    virtual oracle::Deviations deviations_of_oracle() { return {}; }
    /// Once a virtual second, before the checkers look, and once before they conclude.
    virtual void watch(World& /*world*/) {}
};

struct PlantedBug {
    std::string_view name;
    std::string_view meaning;    ///< A sentence for `simulator list`.
    std::string_view caught_by;  ///< A checker's name, or "crash" or "stuck".
    std::unique_ptr<Saboteur> (*make)();
    /// A seed whose default scenario is caught by it; `ci/nightly shrink` looks at others when it
    /// no longer is.
    std::uint64_t seed = 1;
    std::string_view workload = "";  ///< What users must do for it to show; empty: the default.
};

/// The table of planted bugs: what is between a server and its network, then signatures, its
/// database, what all servers share, what never ends, and answers to clients and strangers.
const std::vector<PlantedBug>& all_planted_bugs();
const PlantedBug* find_planted_bug(std::string_view name);

/// The parts of the table, a file each.
std::span<const PlantedBug> network_bugs();
std::span<const PlantedBug> signature_bugs();
std::span<const PlantedBug> database_bugs();
std::span<const PlantedBug> shared_bugs();
std::span<const PlantedBug> endless_bugs();
std::span<const PlantedBug> answer_bugs();
std::span<const PlantedBug> client_bugs();

/// The number of the server that has the bug: not the first, so that somebody else has not.
inline constexpr int kBuggyServer = 1;

}  // namespace matrix::simulator
