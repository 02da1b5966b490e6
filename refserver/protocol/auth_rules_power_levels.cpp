// Rule 10 of the authorization rules: nobody gives, or takes away, more power than they have.

#include <array>

#include "refserver/base/result_macros.h"
#include "refserver/protocol/auth_rules_families.h"

namespace matrix::auth {
namespace {

using Levels = std::map<std::string, std::int64_t, std::less<>>;

// The properties with a single level, in the order in which the rules name them.
struct NamedProperty {
    std::string_view name;
    NamedLevel PowerLevelsContent::* level;
    std::int64_t default_level;
};
constexpr std::array kNamedProperties = {
    NamedProperty{"users_default", &PowerLevelsContent::users_default, kDefaultUsers},
    NamedProperty{"events_default", &PowerLevelsContent::events_default, kDefaultEvents},
    NamedProperty{"state_default", &PowerLevelsContent::state_default, kDefaultState},
    NamedProperty{"ban", &PowerLevelsContent::ban, kDefaultBan},
    NamedProperty{"redact", &PowerLevelsContent::redact, kDefaultRedact},
    NamedProperty{"kick", &PowerLevelsContent::kick, kDefaultKick},
    NamedProperty{"invite", &PowerLevelsContent::invite, kDefaultInvite},
};

// v12 10.1 to 10.3: is everything a level that has to be one?
//
// What is beyond a double is refused in v1 to v5 by a sentence beside the numbered rules ("events
// accept values as floats"). We cite it as a part of their rule 10, and ask it first.
//
// UNSPECIFIED: `users` may be absent. Rule 10.3 does not say "if present" as its neighbours do, but
// every server accepts such events, and the schema does not require it.
Passed check_shape(const PowerLevelsContent& content, const RoomRules& rules) {
    if (content.has_number_out_of_range) {
        return refuse("v5 10", "a level is beyond the range of a double");
    }
    if (rules.power_levels == PowerLevelSyntax::Integers) {
        for (const NamedProperty& property : kNamedProperties) {
            if ((content.*property.level).is_malformed) {
                return refuse("v12 10.1", "a level is not an integer", property.name);
            }
        }
        if (content.is_events_malformed || content.is_notifications_malformed) {
            return refuse("v12 10.2", "events and notifications must hold integers");
        }
    }
    if (content.is_users_malformed || content.has_invalid_user_id) {
        return refuse("v12 10.3", "users must be an object of user ids and levels");
    }
    return pass();
}

// v12 10.4: a creator's level is not written, because it cannot be lowered.
Passed check_creators(const AuthState& state, const PowerLevelsContent& content) {
    const Event& create = *state[Role::Create];
    if (!create.rules->has_privileged_creators) return pass();
    for (const auto& [user, level] : content.users) {
        if (is_creator(create, user)) {
            return refuse("v12 10.4", "users names a creator", user);
        }
    }
    return pass();
}

// A change of power levels, and the level of who makes it.
struct Change {
    const PowerLevelsContent& before;
    const PowerLevelsContent& after;
    const UserId& sender;
    std::int64_t sender_level;
    bool checks_notifications;
};

// v12 10.6. UNSPECIFIED: where nothing is written, the current (or new) value is the default: the
// rules start with "power levels are inferred from defaults when not explicitly supplied".
Passed check_named(const Change& change) {
    for (const NamedProperty& property : kNamedProperties) {
        const std::optional<std::int64_t> before = (change.before.*property.level).level;
        const std::optional<std::int64_t> after = (change.after.*property.level).level;
        if (before == after) continue;
        if (before.value_or(property.default_level) > change.sender_level) {
            return refuse("v12 10.6.1", "a level was above the sender", property.name);
        }
        if (after.value_or(property.default_level) > change.sender_level) {
            return refuse("v12 10.6.2", "a level would be above the sender", property.name);
        }
    }
    return pass();
}

// Has `other` no entry `key`, or one of another level?
bool is_other(const Levels& other, const std::string& key, std::int64_t level) {
    const auto entry = other.find(key);
    return entry == other.end() || entry->second != level;
}

// v12 10.7
Passed check_old_entries(const Levels& before, const Levels& after, std::int64_t sender_level) {
    for (const auto& [key, level] : before) {
        if (is_other(after, key, level) && level > sender_level) {
            return refuse("v12 10.7.1", "a type's level was above the sender", key);
        }
    }
    return pass();
}

// v12 10.8
Passed check_new_entries(const Levels& before, const Levels& after, std::int64_t sender_level) {
    for (const auto& [key, level] : after) {
        if (is_other(before, key, level) && level > sender_level) {
            return refuse("v12 10.8.1", "a type's level would be above the sender", key);
        }
    }
    return pass();
}

Passed check_entries(const Change& change) {
    const auto& [before, after, sender, level, checks_notifications] = change;
    RETURN_IF_ERROR(check_old_entries(before.events, after.events, level));
    if (checks_notifications) {
        RETURN_IF_ERROR(check_old_entries(before.notifications, after.notifications, level));
    }
    RETURN_IF_ERROR(check_new_entries(before.events, after.events, level));
    if (checks_notifications) {
        RETURN_IF_ERROR(check_new_entries(before.notifications, after.notifications, level));
    }
    return pass();
}

// v12 10.9 and 10.10
Passed check_users(const Change& change) {
    for (const auto& [user, level] : change.before.users) {
        if (user == change.sender.view() || !is_other(change.after.users, user, level)) continue;
        if (level >= change.sender_level) {
            return refuse("v12 10.9.1", "a user's level was not below the sender", user);
        }
    }
    for (const auto& [user, level] : change.after.users) {
        if (is_other(change.before.users, user, level) && level > change.sender_level) {
            return refuse("v12 10.10.1", "a user's level would be above the sender", user);
        }
    }
    return pass();
}

}  // namespace

// UNSPECIFIED: power levels with a state key are compared with those without one, which are "the
// previous power levels in the room" also for them.
Verdict check_power_levels(const AuthState& state, const Event& event) {
    const auto& content = std::get<PowerLevelsContent>(event.content);
    RETURN_IF_ERROR(check_shape(content, *event.rules));
    RETURN_IF_ERROR(check_creators(state, content));

    const Event* previous = state[Role::PowerLevels];
    if (!previous) return allow("v12 10.5");
    const Change change = {.before = std::get<PowerLevelsContent>(previous->content),
                           .after = content,
                           .sender = event.sender,
                           .sender_level = state.level_of(event.sender),
                           .checks_notifications = event.rules->checks_notifications};
    RETURN_IF_ERROR(check_named(change));
    RETURN_IF_ERROR(check_entries(change));
    RETURN_IF_ERROR(check_users(change));
    return allow("v12 10.11");
}

}  // namespace matrix::auth
