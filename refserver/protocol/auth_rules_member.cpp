// Rule 5 of the authorization rules: what all m.room.member events have in common.

#include "refserver/base/assert.h"
#include "refserver/base/sometimes.h"
#include "refserver/protocol/auth_rules_families.h"

namespace matrix::auth {

JoinRule known_join_rule(const AuthState& state, const RoomRules& rules) {
    // UNSPECIFIED: without m.room.join_rules nobody can join, not even who was invited: the rules
    // name what a join rule allows, and no default.
    const Event* event = state[Role::JoinRules];
    const auto* content = event ? event->find_content<JoinRulesContent>() : nullptr;
    if (!content) return JoinRule::Unknown;

    switch (content->join_rule) {
        case JoinRule::Public:
        case JoinRule::Invite:
        case JoinRule::Private:
        case JoinRule::Unknown:
            return content->join_rule;
        case JoinRule::Knock:
            return rules.has_knock ? JoinRule::Knock : JoinRule::Unknown;
        case JoinRule::Restricted:
            return rules.has_restricted ? JoinRule::Restricted : JoinRule::Unknown;
        case JoinRule::KnockRestricted:
            return rules.has_knock_restricted ? JoinRule::KnockRestricted : JoinRule::Unknown;
    }
    unreachable();
}

namespace {

Verdict check_membership(const MemberCheck& check) {
    if (!check.content.membership) {
        SIM_SOMETIMES("v12 5.8 refuses: the membership is unknown");
        return refuse("v12 5.8", "the membership is unknown");
    }
    switch (*check.content.membership) {
        case Membership::Join:
            return check_join(check);
        case Membership::Invite:
            return check_invite(check);
        case Membership::Leave:
            return check_leave(check);
        case Membership::Ban:
            return check_ban(check);
        case Membership::Knock:
            if (check.rules().has_knock) return check_knock(check);
            SIM_SOMETIMES("v12 5.8 refuses: the room version does not know knocking");
            return refuse("v12 5.8", "the room version does not know knocking");
    }
    unreachable();
}

}  // namespace

Verdict check_member(const AuthState& state, const Event& event, const Verifier& verifier) {
    const auto& content = std::get<MemberContent>(event.content);
    if (!event.state_key || !content.has_membership) {
        SIM_SOMETIMES("v12 5.1 refuses: a membership event needs a state_key and a membership");
        return refuse("v12 5.1", "a membership event needs a state_key and a membership");
    }
    // v12 5.2.1. DEVIATION: the signature itself is among those that are verified before
    // (`required_signers`), where an event without it is dropped, not rejected, because a server's
    // keys have to be fetched for it. Here is refused what no server can have signed.
    if (event.rules->has_restricted && content.join_authorized_via &&
        content.join_authorized_via->empty()) {
        SIM_SOMETIMES("v12 5.2.1 refuses: join_authorised_via_users_server is no user id");
        return refuse("v12 5.2.1", "join_authorised_via_users_server is no user id");
    }
    return check_membership({.state = state,
                             .event = event,
                             .content = content,
                             .verifier = verifier,
                             .target = *event.state_key,
                             .sender_membership = state.membership(Role::Sender),
                             .target_membership = state.membership(Role::Target)});
}

}  // namespace matrix::auth
