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
    Checker{"oracle",
            "Servers judge and resolve as the literal transcription of the specification does.",
            make_oracle_check},
    Checker{"acknowledged",
            "No event that a client or a server got a success for is lost.",
            make_acknowledged_check},
    Checker{"served_state",
            "No server serves as state what it rejected or soft-failed.",
            make_served_state_check},
    Checker{"sync_fold",
            "Who follows /sync knows in the end what an initial sync says.",
            make_sync_fold_check},
    Checker{"visibility",
            "Membership, access lists and redactions are seen alike by whoever asks.",
            make_visibility_check},
    Checker{"bounded",
            "Queues, extremities and unplaced events stay few, and the queues drain.",
            make_bounded_check},
    Checker{
        "liveness", "Work comes to an end, and every request is answered.", make_liveness_check},
    Checker{"restart",
            "A server opens its database after every crash, unless its disk fails or has lied.",
            make_restart_check},
};

}  // namespace

std::span<const Checker> all_checkers() {
    return kCheckers;
}

}  // namespace matrix::simulator
