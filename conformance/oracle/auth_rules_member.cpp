// Rule 5 of v12: m.room.member (v1 to v5: 5, v6 to v11: 4).

#include <algorithm>
#include <vector>

#include "conformance/oracle/auth_check.h"
#include "refserver/protocol/base64.h"

namespace matrix::oracle {
namespace {

constexpr std::string_view kAuthorizer = "join_authorised_via_users_server";

// v12 5.3.1
bool is_first_join_of_creator(const AuthCheck& check) {
    const auto& prev_events = check.event.event->prev_events;
    if (prev_events.size() != 1 || prev_events.front() != check.create()->id()) return false;
    if (check.version(&RoomRules::has_creator_in_content) <= 10)
        return is_room_creator(check.state_key(), *check.create());
    return check.state_key() == check.create()->event->sender.view();
}

// v12 5.3.5
Verdict check_restricted(const AuthCheck& check, std::string_view membership) {
    if (membership == "join" || membership == "invite") return allow_event("v12 5.3.5.1");
    const std::string_view authorizer = check.event.find_string(kAuthorizer);
    const bool may_invite = check.level_of_user(authorizer) >= check.level_to("invite");
    if (authorizer.empty() || !may_invite || check.membership(authorizer) != "join") {
        return reject_event("v12 5.3.5.2", "nobody who may invite authorises the join");
    }
    return allow_event("v12 5.3.5.3");
}

// v12 5.3
Verdict check_join_event(const AuthCheck& check) {
    if (is_first_join_of_creator(check)) return allow_event("v12 5.3.1");
    if (check.sender() != check.state_key()) {
        return reject_event("v12 5.3.2", "the sender is not the state_key");
    }
    const std::string_view membership = check.membership(check.sender());
    if (membership == "ban" && !check.deviations.contains(Deviation::JoinOfBanned)) {
        return reject_event("v12 5.3.3", "the sender is banned");
    }
    const std::string_view join_rule = check.join_rule();
    if (join_rule == "invite" ||
        (join_rule == "knock" && check.version(&RoomRules::has_knock) >= 7)) {
        if (membership == "invite" || membership == "join") return allow_event("v12 5.3.4");
    }
    if ((join_rule == "restricted" && check.version(&RoomRules::has_restricted) >= 8) ||
        (join_rule == "knock_restricted" &&
         check.version(&RoomRules::has_knock_restricted) >= 10)) {
        return check_restricted(check, membership);
    }
    if (join_rule == "public") return allow_event("v12 5.3.6");
    return reject_event("v12 5.3.7", "the join rule does not admit the sender");
}

// `public_key`, and each `public_key` of `public_keys`, in base64 of either alphabet.
std::vector<std::string> public_keys_of(const ReadEvent& token_event) {
    std::vector<std::string> texts = {std::string(token_event.find_string("public_key"))};
    const json::Value* list = token_event.find("public_keys");
    if (list && list->if_array()) {
        for (const json::Value& entry : *list->if_array()) {
            if (const std::string* text = entry.find_string("public_key")) texts.push_back(*text);
        }
    }
    std::vector<std::string> keys;
    for (const std::string& text : texts) {
        auto key = decode_base64(text);
        if (!key) key = decode_base64_url(text);
        constexpr std::size_t kEd25519KeyBytes = 32;
        if (key && key->size() == kEd25519KeyBytes) keys.push_back(*std::move(key));
    }
    return keys;
}

// Every Ed25519 signature in `signed`, whoever made it.
std::vector<std::string> signatures_of(const json::Object& signed_part) {
    std::vector<std::string> signatures;
    const json::Value* entities = signed_part.find("signatures");
    if (!entities || !entities->if_object()) return signatures;
    for (const json::Member& entity : *entities->if_object()) {
        if (!entity.value.if_object()) continue;
        for (const json::Member& entry : *entity.value.if_object()) {
            const std::string* text = entry.value.if_string();
            if (!text || !entry.key.starts_with("ed25519:")) continue;
            if (auto signature = decode_base64(*text)) signatures.push_back(*std::move(signature));
        }
    }
    return signatures;
}

// v12 5.4.1.7
bool has_matching_signature(const AuthCheck& check,
                            const json::Object& signed_part,
                            const ReadEvent& token_event) {
    constexpr std::string_view kUnsigned[] = {"signatures", "unsigned"};
    const std::string message = json::write_without(signed_part, kUnsigned);
    for (const std::string& signature : signatures_of(signed_part)) {
        for (const std::string& key : public_keys_of(token_event)) {
            if (check.verifier.is_valid(key, message, signature)) return true;
        }
    }
    return false;
}

// v12 5.4.1
Verdict check_invite_by_token(const AuthCheck& check, const json::Value& third_party_invite) {
    if (check.membership(check.state_key()) == "ban") {
        return reject_event("v12 5.4.1.1", "the target is banned");
    }
    const json::Value* signed_part = third_party_invite.find("signed");
    if (!signed_part) return reject_event("v12 5.4.1.2", "no signed");
    const json::Value* mxid = signed_part->find("mxid");
    const json::Value* token = signed_part->find("token");
    if (!mxid || !token) return reject_event("v12 5.4.1.3", "no mxid or no token");
    if (!mxid->if_string() || *mxid->if_string() != check.state_key()) {
        return reject_event("v12 5.4.1.4", "mxid is not the state_key");
    }
    const ReadEvent* token_event =
        token->if_string() ? check.find("m.room.third_party_invite", *token->if_string()) : nullptr;
    if (!token_event) return reject_event("v12 5.4.1.5", "the room has no such token");
    if (token_event->event->sender != check.event.event->sender) {
        return reject_event("v12 5.4.1.6", "the token is of another sender");
    }
    if (has_matching_signature(check, *signed_part->if_object(), *token_event)) {
        return allow_event("v12 5.4.1.7");
    }
    return reject_event("v12 5.4.1.8", "no signature matches");
}

// v12 5.4
Verdict check_invite_event(const AuthCheck& check) {
    if (const json::Value* third_party_invite = check.event.find("third_party_invite")) {
        return check_invite_by_token(check, *third_party_invite);
    }
    if (check.membership(check.sender()) != "join") {
        return reject_event("v12 5.4.2", "the sender is not joined");
    }
    const std::string_view target = check.membership(check.state_key());
    if (target == "join" || target == "ban") {
        return reject_event("v12 5.4.3", "the target is joined or banned");
    }
    if (check.sender_level() >= check.level_to("invite")) return allow_event("v12 5.4.4");
    return reject_event("v12 5.4.5", "the sender is below the invite level");
}

// v12 5.5
Verdict check_leave_event(const AuthCheck& check) {
    const std::string_view own = check.membership(check.sender());
    if (check.sender() == check.state_key()) {
        const bool may_leave = own == "invite" || own == "join" ||
                               (own == "knock" && check.version(&RoomRules::has_knock) >= 7);
        if (may_leave) return allow_event("v12 5.5.1");
        return reject_event("v12 5.5.1", "nothing to leave");
    }
    if (own != "join") return reject_event("v12 5.5.2", "the sender is not joined");
    const Level level = check.sender_level();
    if (check.membership(check.state_key()) == "ban" && level < check.level_to("ban")) {
        return reject_event("v12 5.5.3", "the target is banned, the sender below the ban level");
    }
    if (level >= check.level_to("kick") && check.level_of_user(check.state_key()) < level) {
        return allow_event("v12 5.5.4");
    }
    return reject_event("v12 5.5.5", "the sender is not above the kick level and the target");
}

// v12 5.6
Verdict check_ban_event(const AuthCheck& check) {
    if (check.membership(check.sender()) != "join") {
        return reject_event("v12 5.6.1", "the sender is not joined");
    }
    const Level level = check.sender_level();
    if (level >= check.level_to("ban") && check.level_of_user(check.state_key()) < level) {
        return allow_event("v12 5.6.2");
    }
    return reject_event("v12 5.6.3", "the sender is not above the ban level and the target");
}

// v12 5.7
Verdict check_knock_event(const AuthCheck& check) {
    const std::string_view join_rule = check.join_rule();
    const bool may_knock =
        join_rule == "knock" ||
        (join_rule == "knock_restricted" && check.version(&RoomRules::has_knock_restricted) >= 10);
    if (!may_knock) return reject_event("v12 5.7.1", "the join rule is not knock");
    if (check.sender() != check.state_key()) {
        return reject_event("v12 5.7.2", "the sender is not the state_key");
    }
    const std::string_view own = check.membership(check.sender());
    if (own != "ban" && own != "invite" && own != "join") return allow_event("v12 5.7.3");
    return reject_event("v12 5.7.4", "the sender is banned, invited or joined");
}

}  // namespace

Verdict check_member_event(const AuthCheck& check) {
    if (!check.event.is_state() || !check.event.find("membership")) {
        return reject_event("v12 5.1", "no state_key, or no membership");
    }
    // The signature is verified before; of what is no user id there can be none.
    if (check.version(&RoomRules::has_restricted) >= 8 && check.event.find(kAuthorizer) &&
        !parse_user_id(check.event.find_string(kAuthorizer))) {
        return reject_event("v12 5.2.1", "join_authorised_via_users_server is no user id");
    }
    const std::string_view membership = check.event.find_string("membership");
    if (membership == "join") return check_join_event(check);
    if (membership == "invite") return check_invite_event(check);
    if (membership == "leave") return check_leave_event(check);
    if (membership == "ban") return check_ban_event(check);
    if (membership == "knock" && check.version(&RoomRules::has_knock) >= 7)
        return check_knock_event(check);
    return reject_event("v12 5.8", "the membership is unknown");
}

}  // namespace matrix::oracle
