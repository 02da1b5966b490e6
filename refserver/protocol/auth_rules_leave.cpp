// Rules 5.5 and 5.6 of the authorization rules: leaving, kicking, unbanning and banning.

#include "refserver/base/sometimes.h"
#include "refserver/protocol/auth_rules_families.h"

namespace matrix::auth {

Verdict check_leave(const MemberCheck& check) {
    if (check.is_about_self()) {
        const auto current = check.sender_membership;
        const bool may_leave = current == Membership::Invite || current == Membership::Join ||
                               (check.rules().has_knock && current == Membership::Knock);
        if (may_leave) return allow("v12 5.5.1");
        SIM_SOMETIMES("v12 5.5.1 refuses: there is nothing to leave");
        return refuse("v12 5.5.1", "there is nothing to leave");
    }
    if (check.sender_membership != Membership::Join) {
        SIM_SOMETIMES("v12 5.5.2 refuses: the sender is not in the room");
        return refuse("v12 5.5.2", "the sender is not in the room");
    }
    const std::int64_t sender_level = check.sender_level();
    if (check.target_membership == Membership::Ban &&
        sender_level < check.state.level_for(Action::Ban)) {
        SIM_SOMETIMES("v12 5.5.3 refuses: the sender may not unban");
        return refuse("v12 5.5.3", "the sender may not unban");
    }
    // Unbanning needs the kick level too.
    if (sender_level < check.state.level_for(Action::Kick) ||
        check.target_level() >= sender_level) {
        SIM_SOMETIMES("v12 5.5.5 refuses: the sender may not kick this user");
        return refuse("v12 5.5.5", "the sender may not kick this user");
    }
    return allow("v12 5.5.4");
}

Verdict check_ban(const MemberCheck& check) {
    if (check.sender_membership != Membership::Join) {
        SIM_SOMETIMES("v12 5.6.1 refuses: the sender is not in the room");
        return refuse("v12 5.6.1", "the sender is not in the room");
    }
    const std::int64_t sender_level = check.sender_level();
    if (sender_level < check.state.level_for(Action::Ban) || check.target_level() >= sender_level) {
        SIM_SOMETIMES("v12 5.6.3 refuses: the sender may not ban this user");
        return refuse("v12 5.6.3", "the sender may not ban this user");
    }
    return allow("v12 5.6.2");
}

}  // namespace matrix::auth
