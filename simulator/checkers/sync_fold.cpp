// The checker "sync_fold": who follows /sync knows in the end what an initial sync says.
//
// The scenario's syncing users follow from the beginning of the timeline to its end, each with a
// pace of its own. No token comes again, no event comes twice, and a gap is marked as one; in the
// end rooms, states, timelines, receipts, counts and account data are those of a fresh sync.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#syncing
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "refserver/engine/http_api.h"
#include "simulator/checkers/checkers.h"
#include "simulator/checkers/witness.h"
#include "simulator/clients/sync_view.h"

namespace matrix::simulator {
namespace {

constexpr std::uint64_t kTimeoutMsRange = 20'000;
constexpr std::int64_t kSyncPauseMsMin = 3'000;
constexpr std::uint64_t kSyncPauseMsRange = 20'000;
constexpr std::uint64_t kTimelineLimitRange = 20;
constexpr std::int64_t kFreshTimelineLimit = 100;
/// Until nothing comes any more, at the end.
constexpr int kLastSyncsMax = 20;

struct Follower {
    explicit Follower(User user_) : user(std::move(user_)) {}
    User user;
    SyncView view;
    std::int64_t timeline_limit = 1;
    bool uses_state_after = false;
};

bool has_rooms(const json::Value& answer) {
    const json::Object* rooms = answer.find_object("rooms");
    if (rooms == nullptr) return false;
    for (const json::Member& section : *rooms) {
        if (section.value.if_object() != nullptr && !section.value.if_object()->empty())
            return true;
    }
    return false;
}

class SyncFoldCheck final : public Check {
public:
    void begin(World& world) override {
        for (const std::string& id : world.scenario().syncing) {
            Follower& follower =
                *followers_.emplace_back(std::make_unique<Follower>(world.user(id)));
            runtime::Random& random = world.cluster().choices().stream(id + " sync");
            follower.timeline_limit =
                1 + static_cast<std::int64_t>(random.below(kTimelineLimitRange));
            follower.uses_state_after = random.below(2) == 1;
            world.cluster().tasks().start(follow(&world, &follower));
        }
    }

    Task<void> inquire(World* world) override {
        is_over_ = true;
        while (following_ > 0)
            co_await world->cluster().clock().sleep(runtime::seconds(1));
        for (const auto& follower : followers_)
            co_await compare(world, follower.get());
    }

    void conclude(World& world) override { world.measure("syncs", syncs_); }

private:
    Task<void> follow(World* world, Follower* follower) {
        ++following_;
        runtime::Random& random =
            world->cluster().choices().stream(follower->user.id.text() + " sync");
        while (!is_over_) {
            const auto timeout_ms = static_cast<std::int64_t>(random.below(kTimeoutMsRange));
            co_await sync(world, follower, timeout_ms);
            const auto pause_ms = static_cast<std::int64_t>(random.below(kSyncPauseMsRange));
            co_await world->cluster().clock().sleep(
                runtime::milliseconds(kSyncPauseMsMin + pause_ms));
        }
        --following_;
    }

    static std::string target_of(std::int64_t limit, bool uses_state_after) {
        const json::Value filter =
            json::Object{{"room", json::Object{{"timeline", json::Object{{"limit", limit}}}}}};
        std::string target = "/_matrix/client/v3/sync?set_presence=offline&filter=" +
                             engine::percent_encode(json::write(filter));
        if (uses_state_after) target += "&use_state_after=true";
        return target;
    }

    // One sync; gives whether there was something of rooms in it.
    Task<bool> sync(World* world, Follower* follower, std::int64_t timeout_ms) {
        std::string target = target_of(follower->timeline_limit, follower->uses_state_after);
        if (const auto& since = follower->view.since()) {
            target += "&since=" + engine::percent_encode(*since) +
                      "&timeout=" + std::to_string(timeout_ms);
        }
        const Answer answer = co_await world->cluster().call(follower->user, "GET", target);
        ++syncs_;
        if (!answer.is_ok()) {
            note_failure(*world, *follower, answer);
            co_return false;
        }
        for (const std::string& fault : follower->view.fold(answer.body))
            report(*world, *follower, fault);
        co_return has_rooms(answer.body);
    }

    static void note_failure(World& world, const Follower& follower, const Answer& answer) {
        world.measure("syncs_failed", 1);
        // Out of reach, or a fault of the disk explains it: the client asks again.
        const SimulatedServer& server = world.cluster().server(follower.user.server);
        if (answer.status == 0 || server.is_disk_suspect()) return;
        report(world,
               follower,
               "a sync is answered with " + std::to_string(answer.status) + " " +
                   json::write(answer.body));
    }

    Task<void> compare(World* world, Follower* follower) {
        for (int count = 0; count < kLastSyncsMax; ++count) {
            const bool has_more = co_await sync(world, follower, 0);
            if (!has_more) break;
        }
        // Only this kind says exactly what the state is.
        const std::string target = target_of(kFreshTimelineLimit, true);
        const Answer answer = co_await world->cluster().call(follower->user, "GET", target);
        if (!answer.is_ok()) co_return note_failure(*world, *follower, answer);
        SyncView fresh;
        fresh.fold(answer.body);
        std::uint64_t compared = 0;
        for (const std::string& difference : follower->view.differences(fresh, compared))
            report(*world, *follower, difference);
        world->measure("sync_entries_compared", compared);
    }

    static void report(World& world, const Follower& follower, const std::string& what) {
        hold_against(
            world, follower.user.server, "sync_fold", follower.user.id.text() + ": " + what);
    }

    std::vector<std::unique_ptr<Follower>> followers_;  ///< Tasks hold them.
    std::size_t following_ = 0;
    bool is_over_ = false;
    std::uint64_t syncs_ = 0;
};

}  // namespace

std::unique_ptr<Check> make_sync_fold_check() {
    return std::make_unique<SyncFoldCheck>();
}

}  // namespace matrix::simulator
