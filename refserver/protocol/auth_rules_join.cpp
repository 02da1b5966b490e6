// Rule 5.3 of the authorization rules: an m.room.member event whose membership is `join`.

#include "refserver/base/assert.h"
#include "refserver/base/sometimes.h"
#include "refserver/protocol/auth_rules_families.h"

namespace matrix::auth {
namespace {

// v12 5.3.1: is this the first event after m.room.create, by which the creator enters the room?
//
// UNSPECIFIED: additional creators (v12) do not enter so: the rule names the sender of the create.
bool is_creators_first_join(const MemberCheck& check) {
    const Event& create = *check.state[Role::Create];
    const auto& prev_events = check.event.prev_events;
    if (prev_events.size() != 1 || prev_events.front() != create.id) return false;
    if (!check.rules().has_creator_in_content) return check.target == create.sender.view();
    return is_creator(create, check.target);
}

// v12 5.3.5.2, since v8: a member who may invite vouches for a user who was not invited.
Verdict check_restricted_join(const MemberCheck& check) {
    const auto& authorizer = check.content.join_authorized_via;
    if (!authorizer) {
        SIM_SOMETIMES("v12 5.3.5.2 refuses: nobody authorizes this join");
        return refuse("v12 5.3.5.2", "nobody authorizes this join");
    }
    if (check.state.membership(Role::Authorizer) != Membership::Join) {
        SIM_SOMETIMES("v12 5.3.5.2 refuses: the authorizing user is not in the room");
        return refuse("v12 5.3.5.2", "the authorizing user is not in the room");
    }
    if (check.state.level_of(*authorizer) < check.state.level_for(Action::Invite)) {
        SIM_SOMETIMES("v12 5.3.5.2 refuses: the authorizing user may not invite");
        return refuse("v12 5.3.5.2", "the authorizing user may not invite");
    }
    return allow("v12 5.3.5.3");
}

}  // namespace

Verdict check_join(const MemberCheck& check) {
    if (is_creators_first_join(check)) return allow("v12 5.3.1");
    if (!check.is_about_self()) {
        SIM_SOMETIMES("v12 5.3.2 refuses: the sender joins somebody else");
        return refuse("v12 5.3.2", "the sender joins somebody else");
    }

    const auto current = check.sender_membership;
    if (current == Membership::Ban) {
        SIM_SOMETIMES("v12 5.3.3 refuses: the user is banned");
        return refuse("v12 5.3.3", "the user is banned");
    }

    const bool is_expected = current == Membership::Invite || current == Membership::Join;
    switch (known_join_rule(check.state, check.rules())) {
        case JoinRule::Public:
            return allow("v12 5.3.6");
        case JoinRule::Invite:
        case JoinRule::Knock:
            if (is_expected) return allow("v12 5.3.4");
            SIM_SOMETIMES("v12 5.3.7 refuses: the user was not invited");
            return refuse("v12 5.3.7", "the user was not invited");
        case JoinRule::Restricted:
        case JoinRule::KnockRestricted:
            return is_expected ? allow("v12 5.3.5.1") : check_restricted_join(check);
        case JoinRule::Private:
        case JoinRule::Unknown:
            SIM_SOMETIMES("v12 5.3.7 refuses: the join rule admits nobody");
            return refuse("v12 5.3.7", "the join rule admits nobody");
    }
    unreachable();
}

}  // namespace matrix::auth
