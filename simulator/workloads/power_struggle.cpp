// The workload "power struggle": all users are in one room of each version, where they talk, edit
// power levels, ban, kick, invite and unban each other.

#include <array>
#include <string_view>

#include "refserver/base/assert.h"
#include "simulator/weighted_draw.h"
#include "simulator/workloads/workload.h"

namespace matrix::simulator {
namespace {

struct WeightedVerb {
    std::string_view verb;
    std::uint64_t weight;
};
constexpr std::array kActions = {
    WeightedVerb{"message", 36},
    WeightedVerb{"topic", 8},
    WeightedVerb{"power_level", 16},
    WeightedVerb{"ban", 8},
    WeightedVerb{"unban", 6},
    WeightedVerb{"kick", 5},
    WeightedVerb{"invite", 4},
    WeightedVerb{"join", 10},
    WeightedVerb{"leave", 3},
    WeightedVerb{"join_rule", 4},
    WeightedVerb{"typing", 3},
    WeightedVerb{"receipt", 4},
    WeightedVerb{"presence", 3},
};
constexpr std::array<std::int64_t, 5> kLevels = {0, 25, 50, 75, 100};

// Power on every server, so that each side of a split can act: some admins, more moderators.
RoomPlan plan_battlefield(const Plan& plan, const std::string& version, std::uint64_t index) {
    RoomPlan room;
    room.version = version;
    const auto servers = static_cast<std::uint64_t>(plan.servers());
    room.creator = name_of_user(static_cast<int>(index % servers), 0);
    for (std::uint64_t user = 0; user < plan.user_count(); ++user) {
        if (user % 3 == 0) room.levels[plan.user(user)] = 100;
        if (user % 3 == 1) room.levels[plan.user(user)] = 50;
    }
    return room;
}

void add_blow(Plan& plan, std::int64_t at_ms, const std::string& user, const std::string& room) {
    const std::string_view verb = draw_weighted(plan.random(), kActions).verb;
    const std::string target = plan.draw_user();
    json::Object arguments{{"user", user}};
    if (verb == "presence") {
        arguments.set("presence", "online");
    } else {
        arguments.set("room", room);
    }
    if (verb == "power_level") {
        arguments.set("target", target);
        arguments.set("level", kLevels[plan.random().below(kLevels.size())]);
    } else if (verb == "join_rule") {
        arguments.set("rule", plan.random().one_in(4) ? "invite" : "public");
    } else if (verb == "ban" || verb == "unban" || verb == "kick" || verb == "invite") {
        arguments.set("target", target);
    }
    plan.add_step(at_ms, verb, std::move(arguments));
}

// A room may lock up soon, when everybody is banned: what one room does not show, another does.
void demand_conflicts(Plan& plan, std::size_t blows) {
    constexpr std::size_t kBlowsOfALargeRun = 1000;
    constexpr std::size_t kRoomsOfALargeRun = 3;
    plan.demand("operations_refused", 1 + blows / 50);
    if (plan.servers() < 2) return;
    plan.demand("events_received", 1 + blows / 25);
    plan.demand("edus_received", 1);
    if (!plan.options().has_split) return;
    plan.demand("resolutions_with_conflict", 1 + blows / 500);
    std::size_t with_mainline = 0;  // Room version 1 has none.
    for (const std::string& version : plan.options().room_versions)
        with_mainline += find_room_rules(version)->state_resolution != StateResolution::V1;
    if (blows < kBlowsOfALargeRun || with_mainline < kRoomsOfALargeRun) return;
    plan.demand("events_soft_failed", 1);
    plan.demand("resolutions_by_mainline", 1);
}

}  // namespace

void draw_power_struggle(Plan& plan) {
    std::vector<std::string> rooms;
    for (const std::string& version : plan.options().room_versions)
        rooms.push_back(plan.add_room("room", plan_battlefield(plan, version, rooms.size())));
    std::size_t blows = 0;
    for (std::uint64_t index = 0; index < plan.user_count(); ++index) {
        const std::string user = plan.user(index);
        for (const std::int64_t at_ms : plan.draw_moments(0, plan.end_ms())) {
            add_blow(plan, at_ms, user, plan.draw_from(rooms));
            ++blows;
        }
    }
    demand_conflicts(plan, blows);
}

}  // namespace matrix::simulator
