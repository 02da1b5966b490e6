// Rule 5.4 of the authorization rules: an m.room.member event whose membership is `invite`.

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/protocol/auth_rules_families.h"

namespace matrix::auth {

Verdict check_invite(const MemberCheck& check) {
    if (check.content.third_party_invite) return check_third_party_invite(check);

    if (check.sender_membership != Membership::Join) {
        SIM_SOMETIMES("v12 5.4.2 refuses: the sender is not in the room");
        return refuse("v12 5.4.2", "the sender is not in the room");
    }
    if (check.target_membership == Membership::Join || check.target_membership == Membership::Ban) {
        SIM_SOMETIMES("v12 5.4.3 refuses: the invited user is in the room already, or banned");
        return refuse("v12 5.4.3", "the invited user is in the room already, or banned");
    }
    if (check.sender_level() < check.state.level_for(Action::Invite)) {
        SIM_SOMETIMES("v12 5.4.5 refuses: the sender may not invite");
        return refuse("v12 5.4.5", "the sender may not invite");
    }
    return allow("v12 5.4.4");
}

}  // namespace matrix::auth
