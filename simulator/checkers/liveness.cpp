// The checker "liveness": no livelock, and no deadlock.
//
// Livelock: jobs run without end while virtual time stands still (virtual_time.h ends that), too
// many of them in one virtual second, or some go on when there is nothing left to do. Deadlock: a
// request of a client or a server that is never answered. That servers come to rest at all after
// the heal is demanded by the run itself, which ends as stuck otherwise.
#include <algorithm>
#include <string>
#include <utility>

#include "simulator/checkers/checkers.h"
#include "simulator/checkers/witness.h"

namespace matrix::simulator {
namespace {

/// In one virtual second, for each server.
constexpr std::uint64_t kDispatchesPerServerMax = 5'000;
/// So long everybody is left alone after the settling, and may do little.
constexpr std::int64_t kRestS = 60;
/// For each server in that time: timers of what ends by itself, such as presence.
constexpr std::uint64_t kDispatchesAtRestMax = 100;

class LivenessCheck final : public Check {
public:
    void watch(World& world) override {
        const std::uint64_t all = world.cluster().trace().dispatches();
        const std::uint64_t more = all - std::exchange(last_dispatches_, all);
        // What the set-up did before the first look counts for no second.
        if (std::exchange(has_looked_, true)) {
            busiest_ = std::max(busiest_, more);
            expect_at_most(world, more, kDispatchesPerServerMax, "in one virtual second");
        }
        look_at_time(world);
    }

    Task<void> inquire(World* world) override {
        const std::uint64_t before = world->cluster().trace().dispatches();
        co_await world->cluster().clock().sleep(runtime::seconds(kRestS));
        const std::uint64_t done = world->cluster().trace().dispatches() - before;
        world->measure("dispatches_at_rest", done);
        expect_at_most(*world, done, kDispatchesAtRestMax, "within a minute of rest");
        is_at_rest_ = true;
    }

    void conclude(World& world) override {
        world.measure("dispatches_per_second_most", busiest_);
        look_at_time(world);
        // While steps or queues are open it is no wonder, and the run is stuck.
        if (!is_at_rest_) return;
        for (int number = 0; number < world.cluster().server_count(); ++number) {
            engine::Server* server = find_server(world, number);
            const std::size_t open = server == nullptr ? 0 : server->open_requests();
            if (open == 0) continue;
            hold_against(world,
                         number,
                         "liveness",
                         "server " + std::to_string(number) + " never answers " +
                             std::to_string(open) + " requests");
        }
    }

private:
    void report(World& world, const std::string& what) {
        if (has_reported_) return;
        world.findings().add("liveness", world.cluster().time().now_us(), what);
    }

    void look_at_time(World& world) {
        if (!world.cluster().time().stands_still()) return;
        report(world, "jobs run without end while virtual time stands still");
        has_reported_ = true;
    }

    void expect_at_most(World& world, std::uint64_t done, std::uint64_t each, const char* when) {
        const std::uint64_t most =
            each * static_cast<std::uint64_t>(world.cluster().server_count());
        if (done <= most) return;
        report(world,
               std::to_string(done) + " dispatches " + when + ", at most " + std::to_string(most) +
                   " expected");
        has_reported_ = true;
    }

    std::uint64_t last_dispatches_ = 0;
    std::uint64_t busiest_ = 0;
    bool has_looked_ = false;
    bool is_at_rest_ = false;
    bool has_reported_ = false;
};

}  // namespace

std::unique_ptr<Check> make_liveness_check() {
    return std::make_unique<LivenessCheck>();
}

}  // namespace matrix::simulator
