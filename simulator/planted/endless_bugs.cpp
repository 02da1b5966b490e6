// Planted bugs that never come to an end: loops, and what is queued for nobody.

#include <array>

#include "refserver/storage/database.h"
#include "simulator/planted/planted_bug.h"
#include "simulator/world.h"

namespace matrix::simulator {
namespace {

/// A job of the buggy server begins itself again, after so long, as long as the run lasts.
template <std::int64_t kPauseUs>
class EndlessJob final : public Saboteur {
public:
    void watch(World& world) override {
        if (!std::exchange(has_begun_, true)) begin_again(world);
    }

private:
    void begin_again(World& world) {
        world.cluster()
            .time()
            .schedule(kPauseUs, kBuggyServer, [this, &world] { begin_again(world); })
            .release();
    }

    bool has_begun_ = false;
};

/// For half a minute it has the newest event in the queue for a server that is nowhere, over and
/// over.
class HoardForNobody final : public Saboteur {
public:
    void watch(World& world) override {
        if (world.cluster().server_count() <= kBuggyServer) return;
        ++seconds_;
        if (seconds_ == kFromS) execute(world, kFill);
        if (seconds_ == kUntilS)
            execute(world, "DELETE FROM outbox WHERE destination = 'nowhere.test'");
    }

private:
    static void execute(World& world, std::string_view sql) {
        SimulatedServer& server = world.cluster().server(kBuggyServer);
        server.executor().run_turn([&] { server.engine().turns().database().execute(sql); });
    }

    static constexpr int kFromS = 5;
    static constexpr int kUntilS = 35;
    static constexpr std::string_view kFill =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) "
        "INSERT INTO outbox (destination, number, event_id) SELECT 'nowhere.test', n.i, "
        "(SELECT event_id FROM events ORDER BY event DESC LIMIT 1) FROM n";
    int seconds_ = 0;
};

template <class Kind>
std::unique_ptr<Saboteur> make_endless() {
    return std::make_unique<Kind>();
}

constexpr std::array kEndlessBugs = {
    PlantedBug{"spins",
               "A job of s1.test begins itself again at once.",
               "liveness",
               make_endless<EndlessJob<0>>},
    PlantedBug{"never-rests",
               "A job of s1.test begins itself again each fifty milliseconds.",
               "liveness",
               make_endless<EndlessJob<50'000>>},
    PlantedBug{"hoards-for-nobody",
               "s1.test queues an event 30,000 times for a server that is nowhere.",
               "bounded",
               make_endless<HoardForNobody>},
};

}  // namespace

std::span<const PlantedBug> endless_bugs() {
    return kEndlessBugs;
}

}  // namespace matrix::simulator
