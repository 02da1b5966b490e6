#include "simulator/workloads/power_struggle.h"

#include <array>
#include <string_view>

#include "refserver/base/assert.h"
#include "refserver/protocol/room_rules.h"

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

std::string_view draw_verb(runtime::Random& random) {
    std::uint64_t total = 0;
    for (const WeightedVerb& entry : kActions)
        total += entry.weight;
    std::uint64_t left = random.below(total);
    for (const WeightedVerb& entry : kActions) {
        if (left < entry.weight) return entry.verb;
        left -= entry.weight;
    }
    unreachable();
}

std::string user_of_index(const Scenario& scenario, std::uint64_t index) {
    const auto users = static_cast<std::uint64_t>(scenario.users_per_server);
    return name_of_user(static_cast<int>(index / users), static_cast<int>(index % users));
}

std::uint64_t user_count(const Scenario& scenario) {
    return static_cast<std::uint64_t>(scenario.servers) *
           static_cast<std::uint64_t>(scenario.users_per_server);
}

// Power on every server, so that each side of a split can act: some admins, more moderators.
RoomPlan plan_room(const Scenario& scenario, const std::string& version, std::uint64_t index) {
    RoomPlan room;
    room.name = "room" + std::to_string(scenario.rooms.size());
    room.version = version;
    const auto users = static_cast<std::uint64_t>(scenario.users_per_server);
    room.creator = user_of_index(scenario, index * users % user_count(scenario));
    for (std::uint64_t user = 0; user < user_count(scenario); ++user) {
        if (user % 3 == 0) room.levels[user_of_index(scenario, user)] = 100;
        if (user % 3 == 1) room.levels[user_of_index(scenario, user)] = 50;
    }
    const RoomRules* rules = find_room_rules(version);
    MATRIX_ASSERT(rules != nullptr);
    room.levels[room.creator] = 100;
    if (rules->has_privileged_creators) room.levels.erase(room.creator);
    return room;
}

Step draw_step(const Scenario& scenario,
               const std::string& user,
               std::size_t first_room,
               runtime::Random& random) {
    const std::size_t rooms = scenario.rooms.size() - first_room;
    Step step;
    step.verb = draw_verb(random);
    step.arguments.set("user", user);
    const std::string& room = scenario.rooms[first_room + random.below(rooms)].name;
    const std::string target = user_of_index(scenario, random.below(user_count(scenario)));
    if (step.verb == "presence") {
        step.arguments.set("presence", "online");
        return step;
    }
    step.arguments.set("room", room);
    if (step.verb == "power_level") {
        step.arguments.set("target", target);
        step.arguments.set("level", kLevels[random.below(kLevels.size())]);
    } else if (step.verb == "join_rule") {
        step.arguments.set("rule", random.one_in(4) ? "invite" : "public");
    } else if (step.verb == "ban" || step.verb == "unban" || step.verb == "kick" ||
               step.verb == "invite") {
        step.arguments.set("target", target);
    }
    return step;
}

void expect_conflicts(Scenario& scenario, const WorkloadOptions& options) {
    scenario.at_least["operations_refused"] = 1;
    if (scenario.servers < 2) return;
    scenario.at_least["events_received"] = 100;
    scenario.at_least["edus_received"] = 1;
    if (!options.has_split) return;
    scenario.at_least["resolutions_with_conflict"] = 10;
    scenario.at_least["events_soft_failed"] = 1;
    // Room version 1 has no mainline.
    for (const std::string& version : options.room_versions) {
        if (find_room_rules(version)->state_resolution != StateResolution::V1)
            scenario.at_least["resolutions_by_mainline"] = 1;
    }
}

}  // namespace

void draw_power_struggle(Scenario& scenario,
                         const WorkloadOptions& options,
                         runtime::Random& random) {
    const std::size_t first_room = scenario.rooms.size();
    for (std::size_t index = 0; index < options.room_versions.size(); ++index)
        scenario.rooms.push_back(plan_room(scenario, options.room_versions[index], index));

    for (std::uint64_t index = 0; index < user_count(scenario); ++index) {
        const std::string user = user_of_index(scenario, index);
        std::int64_t at_ms = 0;
        while (true) {
            at_ms += static_cast<std::int64_t>(
                random.below(static_cast<std::uint64_t>(options.pause_ms_max)));
            if (at_ms >= scenario.chaos_ms) break;
            Step step = draw_step(scenario, user, first_room, random);
            step.at_ms = at_ms;
            scenario.timeline.push_back(std::move(step));
        }
    }
    expect_conflicts(scenario, options);
}

}  // namespace matrix::simulator
