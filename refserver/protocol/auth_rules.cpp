// The order in which the authorization rules are asked, and those that are too small for a file.

#include "refserver/protocol/auth_rules.h"

#include <algorithm>
#include <ostream>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/protocol/auth_rules_families.h"

namespace matrix::auth {

namespace {

constexpr std::string_view kEllipsis = "\u2026";

bool continues_character(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

}  // namespace

Excerpt::Excerpt(std::string_view text) {
    const bool is_cut = text.size() > bytes_.size();
    if (is_cut) {
        std::size_t length = bytes_.size() - kEllipsis.size();
        while (length > 0 && continues_character(text[length]))
            --length;
        text = text.substr(0, length);
    }
    char* end = std::ranges::copy(text, bytes_.data()).out;
    if (is_cut) end = std::ranges::copy(kEllipsis, end).out;
    size_ = static_cast<std::uint8_t>(end - bytes_.data());
}

std::ostream& operator<<(std::ostream& out, const Grant& grant) {
    return out << "allowed by " << grant.rule;
}

std::string describe(const Failure& failure) {
    std::string text(failure.detail);
    if (!failure.about.view().empty()) text.append(": ").append(failure.about.view());
    return text;
}

std::ostream& operator<<(std::ostream& out, const Failure& failure) {
    return out << failure.rule << ": " << describe(failure);
}

std::ostream& operator<<(std::ostream& out, Role role) {
    static constexpr std::array<std::string_view, kRoleCount> kNames = {
        "create", "power levels", "join rules", "sender", "target", "authorizer", "token"};
    return out << kNames[static_cast<std::size_t>(role)];
}

namespace {

// v12 2 and v11 2.4: without its create event there is no room.
//
// UNSPECIFIED: we refuse an event in a state without m.room.create in room versions 1 to 11 too,
// although only the cited events are asked for it there: no power level could be told.
Passed check_has_create(const AuthState& state, const Event& event) {
    const Event* create = state[Role::Create];
    if (event.rules->event_format == EventFormat::HashedRoomId) {
        const bool is_its_create =
            create && create->is("m.room.create", "") && create->room_id == event.room_id;
        if (is_its_create) return pass();
        SIM_SOMETIMES("v12 2 refuses: the room id names no accepted create event");
        return refuse("v12 2", "the room id names no accepted create event");
    }
    if (!create) {
        SIM_SOMETIMES("v11 2.4 refuses: there is no create event");
        return refuse("v11 2.4", "there is no create event");
    }
    return pass();
}

Passed check_federation(const AuthState& state, const Event& event) {
    const Event& create = *state[Role::Create];
    const auto& content = std::get<CreateContent>(create.content);
    if (!content.is_federated && event.sender.domain() != create.sender.domain()) {
        SIM_SOMETIMES(
            "v12 4 refuses: the room is not federated, and the sender is of another server");
        return refuse("v12 4", "the room is not federated, and the sender is of another server");
    }
    return pass();
}

// v1 to v5: servers, not members, say which aliases they have.
Verdict check_aliases(const Event& event) {
    if (!event.state_key) {
        SIM_SOMETIMES("v5 4.1 refuses: an m.room.aliases event has no state_key");
        return refuse("v5 4.1", "an m.room.aliases event has no state_key");
    }
    if (event.sender.domain() != *event.state_key) {
        SIM_SOMETIMES("v5 4.2 refuses: the aliases are of another server than the sender");
        return refuse("v5 4.2", "the aliases are of another server than the sender");
    }
    return allow("v5 4.3");
}

Verdict check_token_event(const AuthState& state, const Event& event) {
    if (state.level_of(event.sender) >= state.level_for(Action::Invite)) return allow("v12 7.1");
    SIM_SOMETIMES("v12 7.1 refuses: the sender may not invite");
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

    if (state.membership(Role::Sender) != Membership::Join) {
        SIM_SOMETIMES("v12 6 refuses: the sender is not in the room");
        return refuse("v12 6", "the sender is not in the room");
    }
    if (event.type == "m.room.third_party_invite") return check_token_event(state, event);

    if (state.level_to_send(event.type, event.is_state()) > state.level_of(event.sender)) {
        SIM_SOMETIMES("v12 8 refuses: the sender's power level is too low for this type of event");
        return refuse("v12 8", "the sender's power level is too low for this type of event");
    }
    if (event.state_key && event.state_key->starts_with('@') &&
        *event.state_key != event.sender.view()) {
        SIM_SOMETIMES("v12 9 refuses: the state key names another user than the sender");
        return refuse("v12 9", "the state key names another user than the sender");
    }
    if (event.type == "m.room.power_levels") return check_power_levels(state, event);
    if (event.rules->has_redaction_auth_rule && event.type == "m.room.redaction") {
        return check_redaction(state, event);
    }
    return allow("v12 11");
}

}  // namespace matrix::auth
