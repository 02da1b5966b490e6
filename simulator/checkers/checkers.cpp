#include "simulator/checkers/checkers.h"

#include <array>

namespace matrix::simulator {
namespace {

constexpr std::array kCheckers = {
    Checker{"convergence",
            "Servers in a room have the same extremities, state and verdicts after the heal.",
            make_convergence_check},
    Checker{
        "soundness", "refserver fsck finds every server's database clean.", make_soundness_check},
    Checker{"restart",
            "A server opens its database after every crash, unless its disk fails or has lied.",
            make_restart_check},
};

}  // namespace

std::span<const Checker> all_checkers() {
    return kCheckers;
}

}  // namespace matrix::simulator
