// Rule 5.7 of the authorization rules: an m.room.member event whose membership is `knock`.

#include "refserver/base/sometimes.h"
#include "refserver/protocol/auth_rules_families.h"

namespace matrix::auth {

Verdict check_knock(const MemberCheck& check) {
    const JoinRule join_rule = known_join_rule(check.state, check.rules());
    if (join_rule != JoinRule::Knock && join_rule != JoinRule::KnockRestricted) {
        SIM_SOMETIMES("v12 5.7.1 refuses: the join rule does not allow knocking");
        return refuse("v12 5.7.1", "the join rule does not allow knocking");
    }
    if (!check.is_about_self()) {
        SIM_SOMETIMES("v12 5.7.2 refuses: the sender knocks for somebody else");
        return refuse("v12 5.7.2", "the sender knocks for somebody else");
    }

    const auto current = check.sender_membership;
    if (current == Membership::Ban || current == Membership::Invite ||
        current == Membership::Join) {
        SIM_SOMETIMES("v12 5.7.4 refuses: the user is in the room, invited or banned");
        return refuse("v12 5.7.4", "the user is in the room, invited or banned");
    }
    return allow("v12 5.7.3");
}

}  // namespace matrix::auth
