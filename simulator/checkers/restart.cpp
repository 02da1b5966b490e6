// The checker "restart": a server opens its database after every crash.
//
// Left out are disks that fail at that moment, and those that lied before: their servers begin
// anew, which is counted as databases_given_up.
#include "simulator/checkers/checkers.h"

namespace matrix::simulator {
namespace {

class RestartCheck final : public Check {
public:
    void conclude(World& world) override {
        Cluster& cluster = world.cluster();
        for (int number = 0; number < cluster.server_count(); ++number) {
            const SimulatedServer& server = cluster.server(number);
            for (const std::string& failure : server.unexplained_failures()) {
                world.findings().add("restart",
                                     cluster.time().now_us(),
                                     "server " + std::to_string(number) + ": " + failure);
            }
        }
    }
};

}  // namespace

std::unique_ptr<Check> make_restart_check() {
    return std::make_unique<RestartCheck>();
}

}  // namespace matrix::simulator
