// The checker "soundness": fsck finds each server's database clean.
//
// Hashes, signatures, verdicts, states recomputed from the events before, extremities, tables that
// repeat what the graph says; see engine/fsck/fsck.h.
#include <sstream>

#include "refserver/engine/fsck/fsck.h"
#include "simulator/checkers/checkers.h"
#include "simulator/simulated_crypto.h"

namespace matrix::simulator {
namespace {

class SoundnessCheck final : public Check {
public:
    void conclude(World& world) override {
        Cluster& cluster = world.cluster();
        const bool is_real = cluster.options().crypto == Crypto::Real;
        for (int number = 0; number < cluster.server_count(); ++number) {
            if (!cluster.server(number).is_up()) continue;
            engine::Server& server = cluster.server(number).engine();
            engine::FsckOptions options;
            options.server_name = server.name();
            options.now_ts = cluster.clock().now().value;
            options.make_signer = is_real ? make_ed25519_signer : make_simulated_signer;
            options.verifier = is_real ? &ed25519_verifier() : &simulated_verifier();
            options.on_breach = [&](const engine::Breach& breach) {
                if (const auto excuse = world.find_excuse_of(number)) {
                    return world.excuse("soundness: " + *excuse);
                }
                std::ostringstream text;
                text << "server " << number << ": " << breach;
                world.findings().add("soundness", cluster.time().now_us(), text.str());
            };
            const auto counts = engine::check_database(server.turns().database(), options);
            world.measure("events_verified", counts.events);
            world.measure("states_recomputed", counts.states);
        }
    }
};

}  // namespace

std::unique_ptr<Check> make_soundness_check() {
    return std::make_unique<SoundnessCheck>();
}

}  // namespace matrix::simulator
