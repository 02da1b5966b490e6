// Rule 10 of the authorization rules: nobody gives, or takes away, more power than they have.

#include <array>
#include <optional>
#include <string_view>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/protocol/auth_rules_families.h"

namespace matrix::auth {
namespace {

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
        SIM_SOMETIMES("v5 10 refuses: a level is beyond the range of a double");
        return refuse("v5 10", "a level is beyond the range of a double");
    }
    if (rules.power_levels == PowerLevelSyntax::Integers) {
        for (const NamedProperty& property : kNamedProperties) {
            if ((content.*property.level).is_malformed) {
                SIM_SOMETIMES("v12 10.1 refuses: a level is not an integer");
                return refuse("v12 10.1", "a level is not an integer", property.name);
            }
        }
        if (content.is_events_malformed || content.is_notifications_malformed) {
            SIM_SOMETIMES("v12 10.2 refuses: events and notifications must hold integers");
            return refuse("v12 10.2", "events and notifications must hold integers");
        }
    }
    if (content.is_users_malformed || content.has_invalid_user_id) {
        SIM_SOMETIMES("v12 10.3 refuses: users must be an object of user ids and levels");
        return refuse("v12 10.3", "users must be an object of user ids and levels");
    }
    return pass();
}

// v12 10.4: a creator's level is not written, because it cannot be lowered.
Passed check_creators(const AuthState& state, const PowerLevelsContent& content) {
    const Event& create = *state[Role::Create];
    if (!create.rules->has_privileged_creators) return pass();
    const auto& created = std::get<CreateContent>(create.content);
    if (content.users.find(create.sender.view())) {
        SIM_SOMETIMES("v12 10.4 refuses: users names the creator");
        return refuse("v12 10.4", "users names the creator", create.sender.view());
    }
    for (const UserId& creator : created.additional_creators) {
        if (content.users.find(creator.view())) {
            SIM_SOMETIMES("v12 10.4 refuses: users names an additional creator");
            return refuse("v12 10.4", "users names an additional creator", creator.view());
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
            SIM_SOMETIMES("v12 10.6.1 refuses: a level was above the sender");
            return refuse("v12 10.6.1", "a level was above the sender", property.name);
        }
        if (after.value_or(property.default_level) > change.sender_level) {
            SIM_SOMETIMES("v12 10.6.2 refuses: a level would be above the sender");
            return refuse("v12 10.6.2", "a level would be above the sender", property.name);
        }
    }
    return pass();
}

// Calls `visit(key, before, after)` for each key that is not the same in both; null: not there.
template <class Visit>
void for_each_change(const LevelMap& before, const LevelMap& after, const Visit& visit) {
    std::size_t old = 0;
    std::size_t now = 0;
    while (old < before.size() && now < after.size()) {
        const auto [old_key, old_level] = before[old];
        const auto [new_key, new_level] = after[now];
        const int order = old_key == new_key ? 0 : old_key.compare(new_key);
        if (order < 0) visit(old_key, &old_level, nullptr);
        if (order > 0) visit(new_key, nullptr, &new_level);
        if (order == 0 && old_level != new_level) visit(old_key, &old_level, &new_level);
        old += order <= 0 ? 1 : 0;
        now += order >= 0 ? 1 : 0;
    }
    for (; old < before.size(); ++old) {
        const auto [key, level] = before[old];
        visit(key, &level, nullptr);
    }
    for (; now < after.size(); ++now) {
        const auto [key, level] = after[now];
        visit(key, nullptr, &level);
    }
}

// The first keys of a map whose old level, or new level, the sender may not touch.
struct Breaches {
    std::optional<std::string_view> old_key;
    std::optional<std::string_view> new_key;
};

Breaches find_breaches(const LevelMap& before, const LevelMap& after, std::int64_t sender_level) {
    Breaches found;
    for_each_change(
        before, after, [&](std::string_view key, const std::int64_t* old, const std::int64_t* now) {
            if (old && *old > sender_level && !found.old_key) found.old_key = key;
            if (now && *now > sender_level && !found.new_key) found.new_key = key;
        });
    return found;
}

// v12 10.7 and 10.8
Passed check_entries(const Change& change) {
    const auto& [before, after, sender, level, checks_notifications] = change;
    const Breaches events = find_breaches(before.events, after.events, level);
    const Breaches notifications =
        checks_notifications ? find_breaches(before.notifications, after.notifications, level)
                             : Breaches();
    for (const auto& [old_key, new_key] : {events, notifications}) {
        if (old_key) {
            SIM_SOMETIMES("v12 10.7.1 refuses: an old level was above the sender");
            return refuse("v12 10.7.1", "an old level was above the sender", *old_key);
        }
    }
    for (const auto& [old_key, new_key] : {events, notifications}) {
        if (new_key) {
            SIM_SOMETIMES("v12 10.8.1 refuses: a new level is above the sender");
            return refuse("v12 10.8.1", "a new level is above the sender", *new_key);
        }
    }
    return pass();
}

// v12 10.9 and 10.10
Passed check_users(const Change& change) {
    Breaches found;
    for_each_change(change.before.users,
                    change.after.users,
                    [&](std::string_view user, const std::int64_t* old, const std::int64_t* now) {
                        const bool is_own = user == change.sender.view();
                        if (old && !is_own && *old >= change.sender_level && !found.old_key) {
                            found.old_key = user;
                        }
                        if (now && *now > change.sender_level && !found.new_key)
                            found.new_key = user;
                    });
    if (found.old_key) {
        SIM_SOMETIMES("v12 10.9.1 refuses: a user was not below the sender");
        return refuse("v12 10.9.1", "a user was not below the sender", *found.old_key);
    }
    if (found.new_key) {
        SIM_SOMETIMES("v12 10.10.1 refuses: a user would be above the sender");
        return refuse("v12 10.10.1", "a user would be above the sender", *found.new_key);
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
