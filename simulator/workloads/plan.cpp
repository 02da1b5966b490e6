#include "simulator/workloads/plan.h"

#include <algorithm>
#include <utility>

#include "refserver/base/assert.h"

namespace matrix::simulator {

std::uint64_t Plan::user_count() const {
    return static_cast<std::uint64_t>(scenario_.servers) *
           static_cast<std::uint64_t>(scenario_.users_per_server);
}

std::string Plan::user(std::uint64_t index) const {
    const auto users = static_cast<std::uint64_t>(scenario_.users_per_server);
    index %= user_count();
    return name_of_user(static_cast<int>(index / users), static_cast<int>(index % users));
}

std::vector<std::string> Plan::list_first_users() const {
    std::vector<std::string> users;
    for (int server = 0; server < scenario_.servers; ++server)
        users.push_back(name_of_user(server, 0));
    return users;
}

std::string Plan::draw_server() {
    return name_of_server(
        static_cast<int>(random_.below(static_cast<std::uint64_t>(scenario_.servers))));
}

const std::string& Plan::draw_from(const std::vector<std::string>& items) {
    return items[random_.below(items.size())];
}

std::int64_t Plan::draw_integer(std::int64_t least, std::int64_t most) {
    MATRIX_ASSERT(least <= most);
    return least +
           static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(most - least + 1)));
}

std::optional<std::string> Plan::draw_version(bool RoomRules::* feature) {
    std::vector<std::string> versions;
    for (const std::string& version : options_.room_versions) {
        const RoomRules* rules = find_room_rules(version);
        MATRIX_ASSERT(rules != nullptr);
        if (feature == nullptr || rules->*feature) versions.push_back(version);
    }
    if (versions.empty()) return std::nullopt;
    return draw_from(versions);
}

std::string Plan::add_room(std::string_view kind, RoomPlan room) {
    const auto alike = std::ranges::count_if(
        scenario_.rooms, [&](const RoomPlan& other) { return other.name.starts_with(kind); });
    room.name = std::string(kind) + std::to_string(alike);
    room.levels[room.creator] = 100;
    if (find_room_rules(room.version)->has_privileged_creators) room.levels.erase(room.creator);
    scenario_.rooms.push_back(std::move(room));
    return scenario_.rooms.back().name;
}

bool Plan::add_step(std::int64_t at_ms, std::string_view verb, json::Object arguments) {
    if (at_ms > scenario_.chaos_ms) return false;
    scenario_.timeline.push_back(
        {.at_ms = at_ms, .verb = std::string(verb), .arguments = std::move(arguments)});
    return true;
}

std::vector<std::int64_t> Plan::draw_moments(std::int64_t from_ms, std::int64_t to_ms) {
    std::vector<std::int64_t> moments;
    std::int64_t at_ms = from_ms;
    while (true) {
        at_ms += draw_integer(0, options_.pause_ms_max - 1);
        if (at_ms >= to_ms) return moments;
        moments.push_back(at_ms);
    }
}

void Plan::demand(std::string_view metric, std::uint64_t least) {
    scenario_.at_least[std::string(metric)] += least;
}

}  // namespace matrix::simulator
