// The workload "device churn": devices come with their keys, are renamed and go; others ask for
// them, claim one-time keys and write to them.

#include <array>
#include <string_view>

#include "simulator/weighted_draw.h"
#include "simulator/workloads/workload.h"

namespace matrix::simulator {
namespace {

struct Move {
    std::string_view verb;
    std::uint64_t weight;
};
constexpr std::array kMoves = {
    Move{"bring_device", 14},
    Move{"one_time_keys", 8},
    Move{"rename_device", 10},
    Move{"delete_device", 6},
    Move{"query_keys", 22},
    Move{"claim_key", 15},
    Move{"to_device", 25},
};
constexpr std::int64_t kFirstDeviceMsMax = 10'000;

bool has_target(std::string_view verb) {
    return verb == "query_keys" || verb == "claim_key" || verb == "to_device";
}

}  // namespace

void draw_device_churn(Plan& plan) {
    // Who shares a room is told of changes.
    RoomPlan room;
    room.version = *plan.draw_version();
    room.creator = plan.draw_user();
    const std::string name = plan.add_room("salon", std::move(room));
    std::uint64_t moves = 0;
    for (std::uint64_t index = 0; index < plan.user_count(); ++index) {
        const std::string user = plan.user(index);
        plan.add_step(plan.draw_integer(0, kFirstDeviceMsMax), "bring_device", {{"user", user}});
        for (const std::int64_t at_ms : plan.draw_moments(kFirstDeviceMsMax, plan.end_ms())) {
            const std::string_view verb = draw_weighted(plan.random(), kMoves).verb;
            json::Object arguments{{"user", user}};
            if (has_target(verb)) arguments.set("target", plan.draw_user());
            moves += plan.add_step(at_ms, verb, std::move(arguments));
            // Now and then somebody leaves the room: then nobody tells him any more.
            if (!plan.random().one_in(20)) continue;
            const json::Object here{{"user", user}, {"room", name}};
            plan.add_step(at_ms, "leave", here);
            plan.add_step(at_ms + plan.draw_integer(0, kFirstDeviceMsMax), "join", here);
        }
    }
    plan.demand("devices_brought", 1 + plan.user_count() / 2);
    plan.demand("to_device_sent", 1 + moves / 20);
    plan.demand("keys_claimed", 1 + moves / 50);
    plan.demand("devices_deleted", moves >= 100 ? 1 : 0);
    if (plan.servers() > 1) plan.demand("device_lists_compared", 1);
}

}  // namespace matrix::simulator
