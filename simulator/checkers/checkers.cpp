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
