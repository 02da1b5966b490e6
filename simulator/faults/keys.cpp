// Faults of signing keys: a server signs with another one.
//
// Keys that expire need no fault: they are good for a day, and a scenario may be longer.

#include <array>

#include "simulator/faults/faults.h"

namespace matrix::simulator {
namespace {

Task<void> rotate_key(World* world, Step step) {
    SimulatedServer& server = world->cluster().server(world->server_number(step.text("server")));
    server.rotate_key_at_start();
    server.crash(Death::OfProcess);
    server.start();
    co_return;
}

constexpr std::array kKeyFaults = {
    Verb{"rotate_key",
         VerbKind::Fault,
         "The server begins again with a new signing key, and publishes the one before as an old "
         "one.",
         kServerAlone,
         rotate_key},
};

}  // namespace

std::span<const Verb> key_faults() {
    return kKeyFaults;
}

}  // namespace matrix::simulator
