#include "simulator/checkers/soundness.h"

#include <sstream>

#include "refserver/engine/fsck/fsck.h"
#include "simulator/simulated_crypto.h"

namespace matrix::simulator {
namespace {

constexpr std::size_t kBreachesKept = 20;

}  // namespace

SoundnessReport check_soundness(Cluster& cluster) {
    SoundnessReport report;
    const bool is_real = cluster.options().crypto == Crypto::Real;
    for (int number = 0; number < cluster.server_count(); ++number) {
        engine::Server& server = cluster.server(number).engine();
        engine::FsckOptions options;
        options.server_name = server.name();
        options.now_ts = cluster.clock().now().value;
        options.make_signer = is_real ? make_ed25519_signer : make_simulated_signer;
        options.verifier = is_real ? &ed25519_verifier() : &simulated_verifier();
        options.on_breach = [&](const engine::Breach& breach) {
            if (report.breaches.size() >= kBreachesKept) return;
            std::ostringstream text;
            text << "server " << number << ": " << breach;
            report.breaches.push_back(text.str());
        };
        const auto counts = engine::check_database(server.turns().database(), options);
        report.events += counts.events;
        report.states += counts.states;
        report.breach_count += counts.breaches;
    }
    return report;
}

}  // namespace matrix::simulator
