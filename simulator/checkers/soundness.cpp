// The checker "soundness": fsck finds each server's database clean.
//
// Hashes, signatures, verdicts, states recomputed from the events before, extremities, tables that
// repeat what the graph says; see engine/fsck/fsck.h.
#include <sstream>
#include <utility>
#include <vector>

#include "refserver/engine/fsck/fsck.h"
#include "simulator/checkers/checkers.h"
#include "simulator/checkers/witness.h"
#include "simulator/simulated_crypto.h"

namespace matrix::simulator {
namespace {

class SoundnessCheck final : public Check {
public:
    // After each crash, when the next process has taken up what the one before left.
    void watch(World& world) override {
        Cluster& cluster = world.cluster();
        starts_.resize(static_cast<std::size_t>(cluster.server_count()), 1);
        for (int number = 0; number < cluster.server_count(); ++number) {
            SimulatedServer& server = cluster.server(number);
            // What fails cannot be read now; it is looked at when it works again.
            if (!server.is_up() || server.disk().failing() != SimulatedDisk::Failing::Nothing)
                continue;
            std::uint64_t& seen = starts_[static_cast<std::size_t>(number)];
            if (std::exchange(seen, server.counts().starts) == seen) continue;
            world.measure("databases_verified_after_crashes", 1);
            check(world, number);
        }
    }

    void conclude(World& world) override {
        for (int number = 0; number < world.cluster().server_count(); ++number) {
            if (!world.cluster().server(number).is_up()) continue;
            const auto counts = check(world, number);
            world.measure("events_verified", counts.events);
            world.measure("states_recomputed", counts.states);
        }
    }

private:
    static engine::FsckCounts check(World& world, int number) {
        Cluster& cluster = world.cluster();
        const bool is_real = cluster.options().crypto == Crypto::Real;
        engine::Server& server = cluster.server(number).engine();
        engine::FsckOptions options;
        options.server_name = server.name();
        options.now_ts = cluster.clock().now().value;
        options.make_signer = is_real ? make_ed25519_signer : make_simulated_signer;
        options.verifier = is_real ? &ed25519_verifier() : &simulated_verifier();
        options.on_breach = [&](const engine::Breach& breach) {
            std::ostringstream text;
            text << "server " << number << ": " << breach;
            hold_against(world, number, "soundness", text.str());
        };
        return engine::check_database(server.turns().database(), options);
    }

    std::vector<std::uint64_t> starts_;  ///< That were seen, by server.
};

}  // namespace

std::unique_ptr<Check> make_soundness_check() {
    return std::make_unique<SoundnessCheck>();
}

}  // namespace matrix::simulator
