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
    const UserId& sender;
    const std::optional<std::string>& state_key;
    const EventContent& content;
    const RoomRules& rules;
};

const std::string* find_token(const ThirdPartyInvite& invite) {
    const json::Value* signed_part = invite.value.find("signed");
    return signed_part ? signed_part->find_string("token") : nullptr;
}

void add_member_keys(const SelectionInput& input, std::vector<StateKey>& keys) {
    if (input.state_key) keys.push_back({"m.room.member", *input.state_key});

    const auto* content = std::get_if<MemberContent>(&input.content);
    if (!content || !content->membership) return;
    const Membership membership = *content->membership;
    if (membership == Membership::Join || membership == Membership::Invite ||
        membership == Membership::Knock) {
        keys.push_back({"m.room.join_rules", ""});
    }
    if (membership == Membership::Invite && content->third_party_invite) {
        if (const std::string* token = find_token(*content->third_party_invite)) {
            keys.push_back({"m.room.third_party_invite", *token});
        }
    }
    const auto& authorizer = content->join_authorized_via;
    if (membership == Membership::Join && input.rules.has_restricted && authorizer &&
        !authorizer->empty()) {
        keys.push_back({"m.room.member", authorizer->text()});
    }
}

std::vector<StateKey> select_keys(const SelectionInput& input) {
    std::vector<StateKey> keys;
    if (input.type == "m.room.create") return keys;
    if (input.rules.event_format != EventFormat::HashedRoomId)
        keys.push_back({"m.room.create", ""});
    keys.push_back({"m.room.power_levels", ""});
    keys.push_back({"m.room.member", input.sender.text()});
    if (input.type == "m.room.member") add_member_keys(input, keys);

    std::ranges::sort(keys);
    const auto duplicates = std::ranges::unique(keys);
    keys.erase(duplicates.begin(), duplicates.end());
    return keys;
}

// v12 5.1, without which a membership event says nothing.
std::expected<std::vector<StateKey>, Failure> select_checked_keys(const SelectionInput& input) {
    if (input.type == "m.room.member") {
        const auto* content = std::get_if<MemberContent>(&input.content);
        if (!input.state_key || !content || !content->has_membership) {
            return std::unexpected(
                Failure{"v12 5.1", "a membership event needs a state_key and a membership"});
        }
    }
    return select_keys(input);
}

}  // namespace

std::vector<StateKey> select_auth_keys(const Event& event) {
    return select_keys({event.type, event.sender, event.state_key, event.content, *event.rules});
}

std::expected<std::vector<StateKey>, Failure> required_state(const Event& event) {
    return select_checked_keys(
        {event.type, event.sender, event.state_key, event.content, *event.rules});
}

std::expected<std::vector<StateKey>, Failure> required_state(const EventTemplate& event,
                                                             const RoomRules& rules) {
    const EventContent content = parse_event_content(event.type, event.content, rules);
    return select_checked_keys({event.type, event.sender, event.state_key, content, rules});
}

}  // namespace matrix::auth
