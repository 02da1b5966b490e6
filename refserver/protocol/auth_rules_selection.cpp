// Which events of a state an event cites in its `auth_events`.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#auth-events-selection

#include <algorithm>

#include "refserver/protocol/auth_rules_families.h"

namespace matrix::auth {
namespace {

// What the selection looks at, of an event and of one in the making.
struct SelectionInput {
    std::string_view type;
    std::string_view sender;
    const std::optional<std::string>& state_key;
    const EventContent& content;
    const RoomRules& rules;
};

const std::string* find_token(const MemberContent& content) {
    if (!content.third_party_invite) return nullptr;
    const json::Value* signed_part = content.third_party_invite->value.find("signed");
    return signed_part ? signed_part->find_string("token") : nullptr;
}

void add_member_keys(const SelectionInput& input, RequiredState& keys) {
    const auto& content = std::get<MemberContent>(input.content);
    const std::optional<Membership> membership = content.membership;
    const bool is_join = membership == Membership::Join;
    const bool is_invite = membership == Membership::Invite;

    if (is_join || is_invite || membership == Membership::Knock) {
        keys.add(Role::JoinRules, "m.room.join_rules", "");
    }
    keys.add(Role::Sender, "m.room.member", input.sender);
    if (input.state_key) keys.add(Role::Target, "m.room.member", *input.state_key);
    if (is_join && input.rules.has_restricted && content.join_authorized_via &&
        !content.join_authorized_via->empty()) {
        keys.add(Role::Authorizer, "m.room.member", content.join_authorized_via->view());
    }
    if (const std::string* token = is_invite ? find_token(content) : nullptr) {
        keys.add(Role::Token, "m.room.third_party_invite", *token);
    }
}

RequiredState select_keys(const SelectionInput& input) {
    RequiredState keys;
    if (input.type == "m.room.create") return keys;
    if (input.rules.event_format != EventFormat::HashedRoomId) {
        keys.add(Role::Create, "m.room.create", "");
    }
    keys.add(Role::PowerLevels, "m.room.power_levels", "");
    if (input.type == "m.room.member") {
        add_member_keys(input, keys);
    } else {
        keys.add(Role::Sender, "m.room.member", input.sender);
    }
    return keys;
}

}  // namespace

RequiredState required_state(const Event& event) {
    return select_keys(
        {event.type, event.sender.view(), event.state_key, event.content, *event.rules});
}

std::vector<StateKey> required_state(const EventTemplate& event, const RoomRules& rules) {
    const EventContent content = parse_event_content(event.type, event.content, rules);
    std::vector<StateKey> keys;
    for (const RequiredKey& key :
         select_keys({event.type, event.sender.view(), event.state_key, content, rules})) {
        keys.emplace_back(std::string(key.type), std::string(key.state_key));
    }
    std::ranges::sort(keys);
    const auto duplicates = std::ranges::unique(keys);
    keys.erase(duplicates.begin(), duplicates.end());
    return keys;
}

AuthState state_of_cited(const Event& event,
                         std::span<const CitedEvent> cited,
                         const Event* create) {
    AuthState state;
    for (const RequiredKey& key : required_state(event)) {
        const auto found = std::ranges::find_if(cited, [&](const CitedEvent& entry) {
            return entry.event && entry.event->is(key.type, key.state_key);
        });
        if (found != cited.end()) state.set(key.role, found->event.get());
    }
    if (event.rules->event_format == EventFormat::HashedRoomId) state.set(Role::Create, create);
    return state;
}

}  // namespace matrix::auth
