// The workload "spaces": two spaces, one in the other, whose children come and go; people join them
// here and there.

#include <array>
#include <string_view>

#include "simulator/weighted_draw.h"
#include "simulator/workloads/workload.h"

namespace matrix::simulator {
namespace {

struct Change {
    std::string_view verb;
    std::uint64_t weight;
};
constexpr std::array kChanges = {
    Change{"join", 30},
    Change{"leave", 15},
    Change{"message", 20},
    Change{"topic", 15},
    Change{"add_child", 15},
    Change{"remove_child", 5},
};
constexpr int kSpaces = 2;
constexpr int kRoomsOfSpaces = 4;
constexpr std::int64_t kSpaceHostLevel = 100;

std::string add_place(Plan& plan, std::string_view kind, std::string_view type) {
    RoomPlan room;
    room.version = *plan.draw_version();
    const std::vector<std::string> hosts = plan.list_first_users();
    room.creator = plan.draw_from(hosts);
    room.type = type;
    for (const std::string& host : hosts)
        room.levels[host] = kSpaceHostLevel;
    // A room that not every server is in is told of by others.
    if (type.empty()) {
        room.members.emplace();
        for (const std::string& host : hosts) {
            if (plan.random().one_in(2)) room.members->push_back(host);
        }
    } else {
        room.members = hosts;
    }
    return plan.add_room(kind, std::move(room));
}

}  // namespace

void draw_spaces(Plan& plan) {
    std::vector<std::string> spaces;
    std::vector<std::string> rooms;
    for (int number = 0; number < kSpaces; ++number)
        spaces.push_back(add_place(plan, "space", "m.space"));
    for (int number = 0; number < kRoomsOfSpaces; ++number)
        rooms.push_back(add_place(plan, "parlour", ""));
    std::vector<std::string> children = rooms;
    children.push_back(spaces.back());  // In the first one, or in itself.

    for (std::uint64_t index = 0; index < plan.user_count(); ++index) {
        const std::string user = plan.user(index);
        for (const std::int64_t at_ms : plan.draw_moments(0, plan.end_ms())) {
            const std::string_view verb = draw_weighted(plan.random(), kChanges).verb;
            json::Object arguments{{"user", user}};
            if (verb == "add_child" || verb == "remove_child") {
                // Of those who may: members of the spaces.
                arguments.set("user", plan.draw_from(plan.list_first_users()));
                arguments.set("room", plan.draw_from(spaces));
                arguments.set("child", plan.draw_from(children));
            } else {
                arguments.set("room", plan.draw_from(rooms));
            }
            plan.add_step(at_ms, verb, std::move(arguments));
        }
    }
    plan.add_step(0,
                  "add_child",
                  {{"user", plan.draw_from(plan.list_first_users())},
                   {"room", spaces.front()},
                   {"child", rooms.front()}});
    plan.demand("children_set", 1);
    plan.demand("spaces_read", 1);
}

}  // namespace matrix::simulator
