// The workload "busy clients": everybody talks, types, reads and comes and goes online, in rooms
// where nobody fights.

#include <array>
#include <string_view>

#include "simulator/weighted_draw.h"
#include "simulator/workloads/workload.h"

namespace matrix::simulator {
namespace {

struct Habit {
    std::string_view verb;
    std::uint64_t weight;
};
constexpr std::array kHabits = {
    Habit{"message", 30},
    Habit{"typing", 30},
    Habit{"receipt", 25},
    Habit{"presence", 15},
};
constexpr std::array<std::string_view, 3> kMoods = {"online", "unavailable", "offline"};
constexpr int kCafes = 2;

}  // namespace

void draw_busy_clients(Plan& plan) {
    std::vector<std::string> rooms;
    for (int number = 0; number < kCafes; ++number) {
        RoomPlan room;
        room.version = *plan.draw_version();
        room.creator = plan.draw_user();
        rooms.push_back(plan.add_room("cafe", std::move(room)));
    }
    std::uint64_t steps = 0;
    for (std::uint64_t index = 0; index < plan.user_count(); ++index) {
        const std::string user = plan.user(index);
        for (const std::int64_t at_ms : plan.draw_moments(0, plan.end_ms())) {
            const std::string_view verb = draw_weighted(plan.random(), kHabits).verb;
            json::Object arguments{{"user", user}};
            if (verb == "presence") {
                arguments.set("presence", kMoods[plan.random().below(kMoods.size())]);
            } else {
                arguments.set("room", plan.draw_from(rooms));
            }
            steps += plan.add_step(at_ms, verb, std::move(arguments));
        }
    }
    plan.demand("messages_sent", 1 + steps / 10);
    for (const std::string_view metric : {"typings", "receipts", "presences"})
        plan.demand(metric, 1 + steps / 25);
    if (plan.servers() > 1) plan.demand("edus_received", 1 + steps / 10);
}

}  // namespace matrix::simulator
