// The workload "room upgrades": rooms are replaced by newer ones, some of which are replaced again;
// people follow. In a split two administrators may replace the same room.

#include <algorithm>

#include "simulator/workloads/workload.h"

namespace matrix::simulator {
namespace {

constexpr std::int64_t kUpgradeEveryMs = 90'000;
constexpr std::int64_t kUpgradesMax = 12;
constexpr std::int64_t kFollowMsMax = 30'000;
constexpr std::int64_t kHouseOwnerLevel = 100;

struct House {
    std::string name;
    std::string maker;
    std::int64_t since_ms;
};

/// Rooms that are lived in, and who may replace them.
class Estate {
public:
    explicit Estate(Plan& plan) : plan_(plan) {
        const std::vector<std::string> hosts = plan.list_first_users();
        RoomPlan room;
        room.version = *plan.draw_version();
        room.creator = plan.draw_from(hosts);
        administrators_ = {room.creator, plan.draw_from(hosts)};
        room.levels[administrators_.back()] = kHouseOwnerLevel;
        const std::string creator = room.creator;
        houses_ = {{plan.add_room("house", std::move(room)), creator, 0}};
    }

    // Most replace the newest room; some one that was replaced already.
    void add_upgrades() {
        const std::int64_t count = std::min(kUpgradesMax, 1 + plan_.end_ms() / kUpgradeEveryMs);
        for (std::int64_t number = 0; number < count; ++number) {
            const std::int64_t at_ms =
                plan_.end_ms() * number / count + plan_.draw_integer(0, plan_.end_ms() / count / 2);
            const House& old = plan_.random().one_in(4) ? draw_house(at_ms) : houses_.back();
            // Its maker is surely in it, and may.
            const std::string user = number == 0 || !plan_.random().one_in(4)
                                         ? old.maker
                                         : plan_.draw_from(administrators_);
            const std::string name = "house" + std::to_string(houses_.size());
            plan_.add_step(at_ms,
                           "replace_room",
                           {{"user", user},
                            {"room", old.name},
                            {"new_room", name},
                            {"version", *plan_.draw_version()}});
            houses_.push_back({name, user, at_ms});
            add_followers(at_ms, name);
        }
    }

    void add_life() {
        for (std::uint64_t index = 0; index < plan_.user_count(); ++index) {
            const std::string user = plan_.user(index);
            for (const std::int64_t at_ms : plan_.draw_moments(0, plan_.end_ms())) {
                const json::Object here{{"user", user}, {"room", draw_house(at_ms).name}};
                plan_.add_step(at_ms, plan_.random().one_in(8) ? "topic" : "message", here);
            }
        }
        for (const std::string& user : administrators_) {
            for (const std::int64_t at_ms : plan_.draw_moments(0, plan_.end_ms())) {
                json::Object here{{"user", user}, {"room", draw_house(at_ms).name}};
                here.set("target", plan_.draw_user());
                plan_.add_step(at_ms, plan_.random().one_in(3) ? "ban" : "unban", here);
            }
        }
    }

private:
    // One that may stand at that time.
    const House& draw_house(std::int64_t at_ms) {
        const auto standing = std::ranges::count_if(
            houses_, [&](const House& house) { return house.since_ms <= at_ms; });
        return houses_[plan_.random().below(static_cast<std::uint64_t>(standing))];
    }

    void add_followers(std::int64_t at_ms, const std::string& room) {
        for (std::uint64_t index = 0; index < plan_.user_count(); ++index) {
            const json::Object arguments{{"user", plan_.user(index)}, {"room", room}};
            const std::int64_t after_ms = plan_.draw_integer(1'000, kFollowMsMax);
            if (plan_.random().below(4) != 0) plan_.add_step(at_ms + after_ms, "join", arguments);
        }
    }

    Plan& plan_;
    std::vector<std::string> administrators_;
    std::vector<House> houses_;  ///< The oldest first.
};

}  // namespace

void draw_room_upgrades(Plan& plan) {
    Estate estate(plan);
    estate.add_upgrades();
    estate.add_life();
    plan.demand("upgrades", 1);
    plan.demand("rooms_replaced", 1);
    if (plan.user_count() > 2) plan.demand("joins", 1);
}

}  // namespace matrix::simulator
