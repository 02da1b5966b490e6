// The checker "bounded": nothing that waits grows without end, and in the end nothing waits.
//
// During the run: what is queued for other servers, forward extremities, events without a place,
// requests that are being served. At the end all of it is gone, but for the one or few extremities
// of a room at rest.
#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "simulator/checkers/checkers.h"
#include "simulator/checkers/witness.h"

namespace matrix::simulator {
namespace {

/// Between two looks: each costs a query of every server.
constexpr int kSecondsBetweenLooks = 10;
/// Of one server; the engine itself gives up events for a long-gone peer, and keeps so many.
constexpr std::size_t kQueuedMax = 20'000;
/// A Byzantine host may fork a room into 50 branches at once, and honest servers add theirs.
constexpr std::size_t kExtremitiesMax = 200;
/// An event that everybody's settling cites leaves one; who may not speak leaves some more.
constexpr std::size_t kExtremitiesAtRestMax = 20;
constexpr std::int64_t kUnplacedEventsMax = 2'000;
/// Of one server, parked syncs among them.
constexpr std::size_t kOpenRequestsMax = 5'000;

class BoundedCheck final : public Check {
public:
    void watch(World& world) override {
        if (seconds_++ % kSecondsBetweenLooks != 0) return;
        for (int number = 0; number < world.cluster().server_count(); ++number)
            look_at(world, number);
    }

    Task<void> inquire(World*) override {
        is_at_rest_ = true;
        co_return;
    }

    void conclude(World& world) override {
        world.measure("queued_most", queued_most_);
        world.measure("extremities_most", extremities_most_);
        // Else the run is stuck, and that says it.
        if (!is_at_rest_) return;
        for (int number = 0; number < world.cluster().server_count(); ++number) {
            engine::Server* server = find_server(world, number);
            if (server == nullptr) continue;
            expect(
                world, number, "events and EDUs for other servers", server->outbox().queued(), 0);
            look_at_extremities(world, number, kExtremitiesAtRestMax);
        }
    }

private:
    void look_at(World& world, int number) {
        engine::Server* server = find_server(world, number);
        if (server == nullptr) return;
        const std::size_t queued = server->outbox().queued();
        queued_most_ = std::max(queued_most_, queued);
        expect(world, number, "events and EDUs for other servers", queued, kQueuedMax);
        const auto unplaced = static_cast<std::size_t>(server->rooms().count_unplaced());
        expect(world, number, "events without a place", unplaced, kUnplacedEventsMax);
        expect(world, number, "open requests", server->open_requests(), kOpenRequestsMax);
        look_at_extremities(world, number, kExtremitiesMax);
    }

    void look_at_extremities(World& world, int number, std::size_t most) {
        for (const LivingRoom& living : world.rooms()) {
            const engine::RoomPtr room = find_room(world, number, living.id);
            if (!room) continue;
            const std::size_t count = room->extremities().size();
            extremities_most_ = std::max(extremities_most_, count);
            expect(world, number, "forward extremities of " + living.id.text(), count, most);
        }
    }

    // Each only once: what is too much stays so.
    void expect(
        World& world, int number, const std::string& what, std::size_t found, std::size_t most) {
        if (found <= most) return;
        const std::string subject = "server " + std::to_string(number) + ": " + what;
        if (!reported_.insert(subject).second) return;
        hold_against(world,
                     number,
                     "bounded",
                     subject + ": " + std::to_string(found) + ", at most " + std::to_string(most) +
                         " expected");
    }

    int seconds_ = 0;
    bool is_at_rest_ = false;
    std::size_t queued_most_ = 0;
    std::size_t extremities_most_ = 0;
    std::set<std::string> reported_;
};

}  // namespace

std::unique_ptr<Check> make_bounded_check() {
    return std::make_unique<BoundedCheck>();
}

}  // namespace matrix::simulator
