#include "simulator/checkers/checkers.h"

#include <array>
#include <memory>
#include <utility>

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
    Checker{"devices",
            "Servers tell the same of devices; to-device messages come once, keys are given once.",
            make_device_check},
    Checker{"history",
            "Who pages through a room visits once what he must see, both ways, and no more.",
            make_history_check},
    Checker{"upgrades",
            "A room and its replacement name each other, and the state is carried over.",
            make_upgrade_check},
    Checker{"spaces", "Servers tell a stranger the same of a space.", make_space_check},
};

constexpr std::int64_t kAskingUsMax = std::int64_t{3600} * 1'000'000;

Task<void> run_and_tell(Task<void> task, std::shared_ptr<bool> is_done) {
    co_await std::move(task);
    *is_done = true;
}

}  // namespace

void ask_to_the_end(World& world, std::string_view checker, Task<void> task) {
    Cluster& cluster = world.cluster();
    const auto is_done = std::make_shared<bool>(false);
    cluster.tasks().start(run_and_tell(std::move(task), is_done));
    if (cluster.run_until(kAskingUsMax, [&] { return *is_done; })) return;
    world.findings().add(checker, cluster.time().now_us(), "servers do not answer any more");
}

std::span<const Checker> all_checkers() {
    return kCheckers;
}

}  // namespace matrix::simulator
