// The workload "join storm": within a few seconds users of all servers join the same few rooms, by
// way of whatever server they heard of; many leave at once and come back.

#include <algorithm>

#include "simulator/workloads/workload.h"

namespace matrix::simulator {
namespace {

constexpr std::int64_t kStormMs = 5'000;
constexpr std::int64_t kStayMsMax = 30'000;
constexpr std::int64_t kStormEveryMs = 240'000;
constexpr std::int64_t kStormsMax = 4;
constexpr int kServersPerRoom = 10;
constexpr int kRoomsMax = 4;

void add_join(Plan& plan, std::int64_t at_ms, const std::string& user, const std::string& room) {
    json::Object arguments{{"user", user}, {"room", room}};
    // In later storms half of them by way of a server that may be no member: then it is refused.
    const bool is_first = at_ms <= kStormMs;
    if (plan.random().one_in(2) && !is_first) arguments.set("via", plan.draw_server());
    plan.add_step(at_ms, "join", std::move(arguments));
}

void add_visit(Plan& plan, std::int64_t at_ms, const std::string& user, const std::string& room) {
    const json::Object here{{"user", user}, {"room", room}};
    at_ms += plan.draw_integer(0, kStormMs);
    add_join(plan, at_ms, user, room);
    if (plan.random().one_in(2)) plan.add_step(at_ms + kStormMs, "message", here);
    if (plan.random().one_in(2)) return;
    at_ms += plan.draw_integer(0, kStayMsMax);
    plan.add_step(at_ms, "leave", here);
    at_ms += plan.draw_integer(0, kStormMs);
    add_join(plan, at_ms, user, room);
}

}  // namespace

void draw_join_storm(Plan& plan) {
    std::vector<std::string> rooms;
    const int count = std::min(kRoomsMax, 1 + plan.servers() / kServersPerRoom);
    for (int number = 0; number < count; ++number) {
        RoomPlan room;
        room.version = *plan.draw_version();
        room.creator = plan.draw_user();
        room.members.emplace();  // Nobody yet.
        rooms.push_back(plan.add_room("stage", std::move(room)));
    }
    const std::int64_t storms = std::min(kStormsMax, 1 + plan.end_ms() / kStormEveryMs);
    for (std::int64_t storm = 0; storm < storms; ++storm) {
        const std::int64_t at_ms = plan.end_ms() * storm / storms;
        for (std::uint64_t user = 0; user < plan.user_count(); ++user) {
            const std::string& room = plan.draw_from(rooms);
            add_visit(plan, at_ms, plan.user(user), room);
        }
    }
    plan.demand("joins", 1 + plan.user_count() / 4);
}

}  // namespace matrix::simulator
