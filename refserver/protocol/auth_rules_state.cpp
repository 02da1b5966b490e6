// AuthState: memberships and power levels as the authorization rules read them.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#mroompower_levels

#include <algorithm>

#include "refserver/base/assert.h"
#include "refserver/protocol/auth_rules_families.h"

namespace matrix::auth {

bool is_creator(const Event& create, const UserId& user) {
    const auto* content = create.find_content<CreateContent>();
    if (create.rules->has_creator_in_content) return content && content->creator == user;
    if (create.sender == user) return true;
    return create.rules->has_privileged_creators && content &&
           std::ranges::find(content->additional_creators, user) !=
               content->additional_creators.end();
}

void AuthState::put(EventPtr event) {
    MATRIX_ASSERT(event && event->is_state());
    for (EventPtr& known : events_) {
        if (known->is(event->type, *event->state_key)) {
            known = std::move(event);
            return;
        }
    }
    events_.push_back(std::move(event));
}

EventPtr AuthState::find_shared(std::string_view type, std::string_view state_key) const {
    for (const EventPtr& event : events_) {
        if (event->is(type, state_key)) return event;
    }
    return nullptr;
}

const Event* AuthState::find(std::string_view type, std::string_view state_key) const {
    for (const EventPtr& event : events_) {
        if (event->is(type, state_key)) return event.get();
    }
    return nullptr;
}

std::optional<Membership> AuthState::membership(const UserId& user) const {
    const Event* event = find("m.room.member", user.view());
    return event ? event->membership() : std::nullopt;
}

namespace {

const PowerLevelsContent* find_power_levels(const AuthState& state) {
    const Event* event = state.find("m.room.power_levels", "");
    return event ? event->find_content<PowerLevelsContent>() : nullptr;
}

}  // namespace

std::int64_t AuthState::level_of(const UserId& user) const {
    const Event* room = create();
    const bool created_it = room && is_creator(*room, user);
    if (created_it && room->rules->has_privileged_creators) return kCreatorLevel;

    const PowerLevelsContent* levels = find_power_levels(*this);
    if (!levels) return created_it ? kCreatorLevelByDefault : kDefaultUsers;
    const auto entry = levels->users.find(user.view());
    if (entry != levels->users.end()) return entry->second;
    return levels->users_default.level.value_or(kDefaultUsers);
}

// UNSPECIFIED: in room versions 1 to 9 power levels may be accepted that hold something else than a
// level, such as `"ban": "abc"`. We read the default there, as if nothing were written.
std::int64_t AuthState::level_for(std::string_view action) const {
    static const PowerLevelsContent kNone;
    const PowerLevelsContent* levels = find_power_levels(*this);
    if (!levels) levels = &kNone;
    if (action == "ban") return levels->ban.level.value_or(kDefaultBan);
    if (action == "invite") return levels->invite.level.value_or(kDefaultInvite);
    if (action == "kick") return levels->kick.level.value_or(kDefaultKick);
    if (action == "redact") return levels->redact.level.value_or(kDefaultRedact);
    unreachable();
}

std::int64_t AuthState::level_to_send(std::string_view type, bool is_state) const {
    const PowerLevelsContent* levels = find_power_levels(*this);
    if (!levels) return is_state ? kDefaultState : kDefaultEvents;
    const auto entry = levels->events.find(type);
    if (entry != levels->events.end()) return entry->second;
    return is_state ? levels->state_default.level.value_or(kDefaultState)
                    : levels->events_default.level.value_or(kDefaultEvents);
}

}  // namespace matrix::auth
