// Rule 10 of v12: m.room.power_levels (v1 to v5: 10, v6 to v11: 9).

#include <array>

#include "conformance/oracle/auth_check.h"
#include "refserver/base/result_macros.h"

namespace matrix::oracle {
namespace {

struct NamedDefault {
    std::string_view name;
    std::int64_t level;
};
// In the order of rule 10.6, with the defaults of m.room.power_levels.
constexpr std::array kNamedDefaults = {
    NamedDefault{"users_default", 0},
    NamedDefault{"events_default", 0},
    NamedDefault{"state_default", 50},
    NamedDefault{"ban", 50},
    NamedDefault{"redact", 50},
    NamedDefault{"kick", 50},
    NamedDefault{"invite", 0},
};

using LevelMap = std::map<std::string_view, Level>;

// The entries of a property that are levels; none if it is no object.
LevelMap read_levels(const ReadEvent& event, std::string_view property) {
    LevelMap levels;
    const json::Value* value = event.find(property);
    if (!value || !value->if_object()) return levels;
    for (const json::Member& member : *value->if_object()) {
        if (const auto level = read_level(member.value, event.version(&RoomRules::power_levels))) {
            levels[member.key] = *level;
        }
    }
    return levels;
}

bool is_object_of_levels(const json::Value& value, int version) {
    if (!value.if_object()) return false;
    for (const json::Member& member : *value.if_object()) {
        if (!read_level(member.value, version)) return false;
    }
    return true;
}

// v1 to v5: a number out of the range of a double causes the event to be rejected.
Passed check_range(const ReadEvent& event) {
    const Passed refused = reject_event("v5 10", "a number beyond the range of a double");
    for (const NamedDefault& named : kNamedDefaults) {
        const json::Value* value = event.find(named.name);
        if (value && is_beyond_double(*value)) return refused;
    }
    for (const std::string_view property : {"users", "events", "notifications"}) {
        const json::Value* value = event.find(property);
        if (!value || !value->if_object()) continue;
        for (const json::Member& member : *value->if_object()) {
            if (is_beyond_double(member.value)) return refused;
        }
    }
    return {};
}

// v12 10.1 and 10.2, since v10.
Passed check_integers(const ReadEvent& event) {
    for (const NamedDefault& named : kNamedDefaults) {
        const json::Value* value = event.find(named.name);
        if (value && !value->if_integer()) {
            return reject_event("v12 10.1", std::string(named.name) + " is no integer");
        }
    }
    for (const std::string_view property : {"events", "notifications"}) {
        const json::Value* value = event.find(property);
        if (value && !is_object_of_levels(*value, event.version(&RoomRules::power_levels))) {
            return reject_event("v12 10.2", std::string(property) + " holds no integers");
        }
    }
    return {};
}

// v12 10.3. UNSPECIFIED: `users` may be absent.
Passed check_users_shape(const ReadEvent& event) {
    const json::Value* users = event.find("users");
    if (!users) return {};
    if (!is_object_of_levels(*users, event.version(&RoomRules::power_levels))) {
        return reject_event("v12 10.3", "users is no object of levels");
    }
    for (const json::Member& member : *users->if_object()) {
        if (!parse_user_id(member.key)) {
            return reject_event("v12 10.3", "users has a key that is no user id");
        }
    }
    return {};
}

// v12 10.4, since v12.
Passed check_no_creators(const AuthCheck& check) {
    for (const auto& [user, level] : read_levels(check.event, "users")) {
        if (is_room_creator(user, *check.create())) {
            return reject_event("v12 10.4", "users names a creator");
        }
    }
    return {};
}

// v12 10.6. UNSPECIFIED: what is not written has its default as current or new value.
Passed check_named_levels(const AuthCheck& check, const ReadEvent& previous) {
    const auto read = [](const ReadEvent& event, std::string_view name) -> std::optional<Level> {
        const json::Value* value = event.find(name);
        return value ? read_level(*value, event.version(&RoomRules::power_levels)) : std::nullopt;
    };
    for (const auto& [name, default_level] : kNamedDefaults) {
        const std::optional<Level> current = read(previous, name);
        const std::optional<Level> changed = read(check.event, name);
        if (current == changed) continue;
        if (current.value_or(Level{.value = default_level}) > check.sender_level()) {
            return reject_event("v12 10.6.1", std::string(name) + " is above the sender");
        }
        if (changed.value_or(Level{.value = default_level}) > check.sender_level()) {
            return reject_event("v12 10.6.2",
                                std::string(name) + " becomes higher than the sender");
        }
    }
    return {};
}

// Of each entry that one map has and the other has not, or with another level.
LevelMap entries_unlike(const LevelMap& entries, const LevelMap& others) {
    LevelMap unlike;
    for (const auto& [key, level] : entries) {
        const auto other = others.find(key);
        if (other == others.end() || other->second != level) unlike[key] = level;
    }
    return unlike;
}

// v12 10.7 and 10.8
Passed check_event_levels(const AuthCheck& check, const ReadEvent& previous) {
    const Level sender_level = check.sender_level();
    std::vector<std::string_view> properties = {"events"};
    if (check.version(&RoomRules::checks_notifications) >= 6)
        properties.emplace_back("notifications");

    for (const std::string_view property : properties) {
        const LevelMap before = read_levels(previous, property);
        const LevelMap after = read_levels(check.event, property);
        for (const auto& [key, level] : entries_unlike(before, after)) {
            if (level > sender_level) {
                return reject_event("v12 10.7.1", "an entry was above the sender");
            }
        }
    }
    for (const std::string_view property : properties) {
        const LevelMap before = read_levels(previous, property);
        const LevelMap after = read_levels(check.event, property);
        for (const auto& [key, level] : entries_unlike(after, before)) {
            if (level > sender_level) {
                return reject_event("v12 10.8.1", "an entry becomes higher than the sender");
            }
        }
    }
    return {};
}

// v12 10.9 and 10.10
Passed check_user_levels(const AuthCheck& check, const ReadEvent& previous) {
    const Level sender_level = check.sender_level();
    const LevelMap before = read_levels(previous, "users");
    const LevelMap after = read_levels(check.event, "users");
    for (const auto& [user, level] : entries_unlike(before, after)) {
        if (user == check.sender()) continue;
        const bool is_too_high = check.deviations.contains(Deviation::EqualMayBeDemoted)
                                     ? level > sender_level
                                     : level >= sender_level;
        if (is_too_high) return reject_event("v12 10.9.1", "a user was not below the sender");
    }
    for (const auto& [user, level] : entries_unlike(after, before)) {
        if (level > sender_level) {
            return reject_event("v12 10.10.1", "a user becomes higher than the sender");
        }
    }
    return {};
}

}  // namespace

Verdict check_power_levels_event(const AuthCheck& check) {
    if (check.version(&RoomRules::power_levels) <= 5) {
        RETURN_IF_ERROR(check_range(check.event));
    }
    if (check.version(&RoomRules::power_levels) >= 10) {
        RETURN_IF_ERROR(check_integers(check.event));
    }
    RETURN_IF_ERROR(check_users_shape(check.event));
    if (check.version(&RoomRules::has_privileged_creators) >= 12) {
        RETURN_IF_ERROR(check_no_creators(check));
    }
    const ReadEvent* previous = check.power_levels();
    if (!previous) return allow_event("v12 10.5");
    RETURN_IF_ERROR(check_named_levels(check, *previous));
    RETURN_IF_ERROR(check_event_levels(check, *previous));
    RETURN_IF_ERROR(check_user_levels(check, *previous));
    return allow_event("v12 10.11");
}

}  // namespace matrix::oracle
