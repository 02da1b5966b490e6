// The order in which the authorization rules are asked, and those that are too small for a file.

#include "refserver/protocol/auth_rules.h"

#include <ostream>

#include "refserver/base/result_macros.h"
#include "refserver/protocol/auth_rules_families.h"

namespace matrix::auth {

std::ostream& operator<<(std::ostream& out, const Failure& failure) {
    return out << failure.rule << ": " << failure.detail;
}

namespace {

// v12 2 and v11 2.4: without its create event there is no room.
//
// UNSPECIFIED: we refuse an event in a state without m.room.create in room versions 1 to 11 too,
// although only the cited events are asked for it there: no power level could be told.
Verdict check_has_create(const AuthState& state, const Event& event) {
    const Event* create = state.create();
    if (event.rules->event_format == EventFormat::HashedRoomId) {
        if (create && create->room_id == event.room_id) return allow();
        return refuse("v12 2", "the room id names no accepted create event");
    }
    return create ? allow() : refuse("v11 2.4", "there is no create event");
}

Verdict check_federation(const AuthState& state, const Event& event) {
    const Event& create = *state.create();
    const auto* content = create.find_content<CreateContent>();
    if (content && !content->is_federated && event.sender.server() != create.sender.server()) {
        return refuse("v12 4", "the room is not federated, and the sender is of another server");
    }
    return allow();
}

// v1 to v5: servers, not members, say which aliases they have.
Verdict check_aliases(const Event& event) {
    if (!event.state_key) return refuse("v5 4.1", "an m.room.aliases event has no state_key");
    if (event.sender.server().view() != *event.state_key) {
        return refuse("v5 4.2", "the aliases are of another server than the sender");
    }
    return allow();
}

Verdict check_token_event(const AuthState& state, const Event& event) {
    if (state.level_of(event.sender) >= state.level_for("invite")) return allow();
    return refuse("v12 7.1", "the sender may not invite");
}

}  // namespace

Verdict check_against(const AuthState& state, const Event& event, const Verifier& verifier) {
    if (event.type == "m.room.create") return check_create(event);
    RETURN_IF_ERROR(check_has_create(state, event));
    RETURN_IF_ERROR(check_federation(state, event));

    if (event.rules->has_aliases_auth_rule && event.type == "m.room.aliases") {
        return check_aliases(event);
    }
    if (event.type == "m.room.member") return check_member(state, event, verifier);

    if (state.membership(event.sender) != Membership::Join) {
        return refuse("v12 6", "the sender is not in the room");
    }
    if (event.type == "m.room.third_party_invite") return check_token_event(state, event);

    if (state.level_to_send(event.type, event.is_state()) > state.level_of(event.sender)) {
        return refuse("v12 8", "the sender's power level is too low for this type of event");
    }
    if (event.state_key && event.state_key->starts_with('@') &&
        *event.state_key != event.sender.view()) {
        return refuse("v12 9", "the state key names another user than the sender");
    }
    if (event.type == "m.room.power_levels") return check_power_levels(state, event);
    if (event.rules->has_redaction_auth_rule && event.type == "m.room.redaction") {
        return check_redaction(state, event);
    }
    return allow();
}

}  // namespace matrix::auth
