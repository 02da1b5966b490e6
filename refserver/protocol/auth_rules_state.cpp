// AuthState: memberships and power levels as the authorization rules read them.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#mroompower_levels

#include <algorithm>

#include "refserver/base/assert.h"
#include "refserver/protocol/auth_rules_families.h"

namespace matrix::auth {

bool is_creator(const Event& create, std::string_view user_id) {
    // With ids that are given, a room id of v12 may name an event that creates nothing.
    const auto* content = create.find_content<CreateContent>();
    if (!content) return false;
    if (create.rules->has_creator_in_content) {
        return content->creator && content->creator->view() == user_id;
    }
    if (create.sender.view() == user_id) return true;
    return create.rules->has_privileged_creators &&
           std::ranges::find(content->additional_creators, user_id, &UserId::view) !=
               content->additional_creators.end();
}

std::optional<Membership> AuthState::membership(Role role) const {
    const Event* event = (*this)[role];
    return event ? event->membership() : std::nullopt;
}

const PowerLevelsContent* AuthState::find_power_levels() const {
    const Event* event = (*this)[Role::PowerLevels];
    return event ? event->find_content<PowerLevelsContent>() : nullptr;
}

std::int64_t AuthState::level_of(std::string_view user_id) const {
    const Event* create = (*this)[Role::Create];
    const bool created_it = create && is_creator(*create, user_id);
    if (created_it && create->rules->has_privileged_creators) return kCreatorLevel;

    const PowerLevelsContent* levels = find_power_levels();
    if (!levels) return created_it ? kCreatorLevelByDefault : kDefaultUsers;
    if (const auto level = levels->users.find(user_id)) return *level;
    return levels->users_default.level.value_or(kDefaultUsers);
}

// UNSPECIFIED: in room versions 1 to 9 power levels may be accepted that hold something else than a
// level, such as `"ban": "abc"`. We read the default there, as if nothing were written.
std::int64_t AuthState::level_for(Action action) const {
    static const PowerLevelsContent kNone;
    const PowerLevelsContent* written = find_power_levels();
    const PowerLevelsContent& levels = written ? *written : kNone;
    switch (action) {
        case Action::Ban:
            return levels.ban.level.value_or(kDefaultBan);
        case Action::Invite:
            return levels.invite.level.value_or(kDefaultInvite);
        case Action::Kick:
            return levels.kick.level.value_or(kDefaultKick);
        case Action::Redact:
            return levels.redact.level.value_or(kDefaultRedact);
    }
    unreachable();
}

std::int64_t AuthState::level_to_send(std::string_view type, bool is_state) const {
    const PowerLevelsContent* levels = find_power_levels();
    if (!levels) return is_state ? kDefaultState : kDefaultEvents;
    if (const auto level = levels->events.find(type)) return *level;
    return is_state ? levels->state_default.level.value_or(kDefaultState)
                    : levels->events_default.level.value_or(kDefaultEvents);
}

}  // namespace matrix::auth
