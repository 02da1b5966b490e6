// What the authorization rules mean by membership, creator, power level and required level.
//
// Spec: server-server-api, "Definitions" of "Checks performed on receipt of a PDU", and
//       https://spec.matrix.org/v1.19/client-server-api/#mroompower_levels

#include <algorithm>

#include "conformance/oracle/auth_check.h"

namespace matrix::oracle {
namespace {

// UNSPECIFIED: what is no level (only v1 to v9 let it into a room) is as if it were absent.
std::optional<Level> find_level(const ReadEvent* power_levels, std::string_view property) {
    const json::Value* value = power_levels ? power_levels->find(property) : nullptr;
    return value ? read_level(*value, power_levels->version(&RoomRules::power_levels))
                 : std::nullopt;
}

std::optional<Level> find_level_in(const ReadEvent* power_levels,
                                   std::string_view property,
                                   std::string_view entry) {
    const json::Value* map = power_levels ? power_levels->find(property) : nullptr;
    const json::Value* value = map ? map->find(entry) : nullptr;
    return value ? read_level(*value, power_levels->version(&RoomRules::power_levels))
                 : std::nullopt;
}

}  // namespace

bool is_room_creator(std::string_view user, const ReadEvent& create) {
    if (create.version(&RoomRules::has_creator_in_content) <= 10) {
        const json::Value* creator = create.find("creator");
        return creator && creator->if_string() && *creator->if_string() == user;
    }
    if (create.event->sender.view() == user) return true;
    const json::Value* additional = create.find("additional_creators");
    if (create.version(&RoomRules::has_privileged_creators) <= 11 || !additional ||
        !additional->if_array())
        return false;
    return std::ranges::any_of(*additional->if_array(), [&](const json::Value& entry) {
        return entry.if_string() && *entry.if_string() == user;
    });
}

Level level_of(std::string_view user, const ReadEvent* create, const ReadEvent* power_levels) {
    const bool is_creator = create && is_room_creator(user, *create);
    if (is_creator && create->version(&RoomRules::has_privileged_creators) >= 12)
        return kInfiniteLevel;
    if (!power_levels) return {.value = is_creator ? 100 : 0};
    if (const auto level = find_level_in(power_levels, "users", user)) return *level;
    return find_level(power_levels, "users_default").value_or(Level{.value = 0});
}

const ReadEvent* AuthCheck::find(std::string_view type, std::string_view state_key) const {
    const auto entry = state.find({std::string(type), std::string(state_key)});
    return entry == state.end() ? nullptr : entry->second;
}

std::string_view AuthCheck::membership(std::string_view user) const {
    const ReadEvent* member = find("m.room.member", user);
    return member ? member->find_string("membership") : std::string_view();
}

std::string_view AuthCheck::join_rule() const {
    const ReadEvent* join_rules = find("m.room.join_rules", "");
    return join_rules ? join_rules->find_string("join_rule") : std::string_view();
}

Level AuthCheck::level_of_user(std::string_view user) const {
    return level_of(user, create(), power_levels());
}

// "The invite level defaults to 0, the kick, ban and redact level each to 50 if unspecified."
Level AuthCheck::level_to(std::string_view action) const {
    return find_level(power_levels(), action).value_or(Level{.value = action == "invite" ? 0 : 50});
}

// The type's own level, or the default of state events (50) or of other events (0).
Level AuthCheck::required_level() const {
    if (const auto level = find_level_in(power_levels(), "events", event.event->type)) {
        return *level;
    }
    if (event.is_state()) {
        return find_level(power_levels(), "state_default").value_or(Level{.value = 50});
    }
    return find_level(power_levels(), "events_default").value_or(Level{.value = 0});
}

}  // namespace matrix::oracle
