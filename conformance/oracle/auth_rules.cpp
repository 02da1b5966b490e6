// The rules in their order, those about cited events, and what is too small for a file of its own.

#include "conformance/oracle/auth_rules.h"

#include <algorithm>
#include <array>
#include <ostream>

#include "conformance/oracle/auth_check.h"
#include "refserver/base/result_macros.h"

namespace matrix::oracle {

std::ostream& operator<<(std::ostream& out, const Refusal& refusal) {
    return out << refusal.rule << ": " << refusal.why;
}

std::string rule_of(const Verdict& verdict) {
    return verdict ? "allowed" : verdict.error().rule;
}

std::string rule_of(const Passed& passed) {
    return passed ? "allowed" : passed.error().rule;
}

// Spec: server-server-api, "Auth events selection".
std::set<Key> select_auth_events(const ReadEvent& event) {
    if (event.event->type == "m.room.create") return {};
    std::set<Key> keys;
    // Depending on the room version, the create event.
    if (event.version(&RoomRules::event_format) <= 11) keys.insert({"m.room.create", ""});
    keys.insert({"m.room.power_levels", ""});
    keys.insert({"m.room.member", event.event->sender.text()});
    if (event.event->type != "m.room.member") return keys;

    if (event.is_state()) keys.insert({"m.room.member", *event.event->state_key});
    const std::string_view membership = event.find_string("membership");
    if (membership == "join" || membership == "invite" || membership == "knock") {
        keys.insert({"m.room.join_rules", ""});
    }
    const json::Value* invite = event.find("third_party_invite");
    if (membership == "invite" && invite) {
        const json::Value* signed_part = invite->find("signed");
        const std::string* token = signed_part ? signed_part->find_string("token") : nullptr;
        if (token) keys.insert({"m.room.third_party_invite", *token});
    }
    const std::string authorizer(event.find_string("join_authorised_via_users_server"));
    if (membership == "join" && event.version(&RoomRules::has_restricted) >= 8 &&
        parse_user_id(authorizer)) {
        keys.insert({"m.room.member", authorizer});
    }
    return keys;
}

namespace {

constexpr std::array<std::string_view, 12> kVersions = {
    "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"};

// Or one that was given as data.
bool is_recognised(std::string_view version) {
    if (std::ranges::find(kVersions, version) != kVersions.end()) return true;
    const RoomRules* rules = find_room_rules(version);
    return rules && rules->is_custom();
}

bool is_valid_additional_creators(const json::Value& value) {
    const json::Array* users = value.if_array();
    return users && std::ranges::all_of(*users, [](const json::Value& user) {
               return user.if_string() && parse_user_id(*user.if_string());
           });
}

}  // namespace

// Rule 1.
Verdict check_create_event(const ReadEvent& event) {
    if (!event.event->prev_events.empty()) return reject_event("v12 1.1", "has prev_events");

    if (event.version(&RoomRules::event_format) <= 11) {
        const std::string_view domain = domain_of(event.event->room_id.view());
        if (domain.empty() || domain != domain_of(event.event->sender.view())) {
            return reject_event("v11 1.2", "the room id has another domain than the sender");
        }
    } else if (event.pdu.contains("room_id")) {
        return reject_event("v12 1.2", "has a room_id");
    }
    if (event.find("room_version")) {
        const std::string_view named = event.find_string("room_version");
        if (!is_recognised(named)) {
            return reject_event("v12 1.3", "room_version is not recognised");
        }
    }
    if (event.version(&RoomRules::has_creator_in_content) <= 10 && !event.find("creator")) {
        return reject_event("v10 1.4", "has no creator");
    }
    if (event.version(&RoomRules::has_privileged_creators) >= 12) {
        const json::Value* creators = event.find("additional_creators");
        if (creators && !is_valid_additional_creators(*creators)) {
            return reject_event("v12 1.4", "additional_creators is no array of user ids");
        }
    }
    return allow_event("v12 1.5");
}

namespace {

// Rule 2 of v12.
bool names_create(const ReadEvent& event, const ReadEvent* create) {
    return create && !create->is_rejected() && create->has_key("m.room.create", "") &&
           create->event->room_id == event.event->room_id;
}

Passed check_cited_keys(const ReadEvent& event, const std::vector<const ReadEvent*>& cited) {
    std::set<Key> seen;
    for (const ReadEvent* entry : cited) {
        if (!entry || !entry->is_state()) continue;
        if (!seen.insert(entry->key()).second) {
            return reject_event("v12 3.1", "two entries have one type and state_key");
        }
    }
    const std::set<Key> selected = select_auth_events(event);
    for (const ReadEvent* entry : cited) {
        if (!entry) continue;
        if (!entry->is_state() || !selected.contains(entry->key())) {
            return reject_event("v12 3.2", "an entry is not selected: " + entry->event->type);
        }
    }
    return {};
}

}  // namespace

// Rules 1 to 3 (v1 to v11: 1 and 2).
Passed check_cited(const ReadEvent& event,
                   const std::vector<const ReadEvent*>& cited,
                   const ReadEvent* create) {
    if (event.event->type == "m.room.create") {
        RETURN_IF_ERROR(check_create_event(event));
        return {};
    }
    if (event.version(&RoomRules::event_format) >= 12 && !names_create(event, create)) {
        return reject_event("v12 2", "the room id names no accepted create event");
    }
    if (Passed passed = check_cited_keys(event, cited); !passed) return passed;

    // UNSPECIFIED: an unknown entry counts as rejected.
    if (std::ranges::any_of(cited, [](const auto* entry) { return !entry; })) {
        return reject_event("v12 3.3", "an entry is unknown");
    }
    if (std::ranges::any_of(cited, [](const auto* entry) { return entry->is_rejected(); })) {
        return reject_event("v12 3.3", "an entry was rejected");
    }
    const auto is_create = [](const auto* entry) { return entry->has_key("m.room.create", ""); };
    if (event.version(&RoomRules::event_format) <= 11 && std::ranges::none_of(cited, is_create)) {
        return reject_event("v11 2.4", "the create event is not among the entries");
    }
    for (const ReadEvent* entry : cited) {
        if (entry->event->room_id != event.event->room_id) {
            return reject_event("v12 3.4", "an entry is of another room");
        }
    }
    return {};
}

namespace {

// Rule 4 of v1 to v5.
Verdict check_aliases_event(const AuthCheck& check) {
    if (!check.event.is_state()) return reject_event("v5 4.1", "has no state_key");
    if (domain_of(check.sender()) != check.state_key()) {
        return reject_event("v5 4.2", "the sender's domain is not the state_key");
    }
    return allow_event("v5 4.3");
}

// Rule 11 of v1 and v2.
Verdict check_redaction_event(const AuthCheck& check) {
    if (check.sender_level() >= check.level_to("redact")) return allow_event("v2 11.1");
    const auto& redacts = check.event.event->redacts;
    const std::string_view own_domain = domain_of(check.event.id().view());
    if (redacts && !own_domain.empty() && domain_of(redacts->view()) == own_domain) {
        return allow_event("v2 11.2");
    }
    return reject_event("v2 11.3", "no redact level, and the event is of another domain");
}

// The create event in the state. UNSPECIFIED: without it an event is refused in every version.
Passed check_has_create_event(const AuthCheck& check) {
    if (check.version(&RoomRules::event_format) >= 12) {
        if (names_create(check.event, check.create())) return {};
        return reject_event("v12 2", "the room id names no accepted create event");
    }
    if (!check.create()) return reject_event("v11 2.4", "there is no create event");
    return {};
}

Passed check_federate(const AuthCheck& check) {
    const json::Value* federate = check.create()->find("m.federate");
    const bool is_local = federate && federate->if_boolean() && !*federate->if_boolean();
    if (is_local && domain_of(check.sender()) != domain_of(check.create()->event->sender.view())) {
        return reject_event("v12 4", "not federated, and the sender has another domain");
    }
    return {};
}

// Rules 6 to 11 (v1 to v5: 6 to 12; v6 to v11: 5 to 10).
Verdict check_other_event(const AuthCheck& check) {
    const std::string& type = check.event.event->type;
    if (check.membership(check.sender()) != "join") {
        return reject_event("v12 6", "the sender is not joined");
    }
    if (type == "m.room.third_party_invite") {
        if (check.sender_level() >= check.level_to("invite")) return allow_event("v12 7.1");
        return reject_event("v12 7.1", "the sender is below the invite level");
    }
    if (check.required_level() > check.sender_level()) {
        return reject_event("v12 8", "the sender is below the required power level");
    }
    if (check.event.is_state() && check.state_key().starts_with('@') &&
        check.state_key() != check.sender()) {
        return reject_event("v12 9", "the state_key is another user");
    }
    if (type == "m.room.power_levels") return check_power_levels_event(check);
    if (check.version(&RoomRules::has_redaction_auth_rule) <= 2 && type == "m.room.redaction")
        return check_redaction_event(check);
    return allow_event("v12 11");
}

}  // namespace

Verdict check_against(const RuleState& state,
                      const ReadEvent& event,
                      const Verifier& verifier,
                      const Deviations& deviations) {
    const AuthCheck check = {state, event, verifier, deviations};
    const std::string& type = event.event->type;
    if (type == "m.room.create") return check_create_event(event);
    RETURN_IF_ERROR(check_has_create_event(check));
    RETURN_IF_ERROR(check_federate(check));
    if (event.version(&RoomRules::has_aliases_auth_rule) <= 5 && type == "m.room.aliases")
        return check_aliases_event(check);
    if (type == "m.room.member") return check_member_event(check);
    return check_other_event(check);
}

bool may_redact(const RuleState& state, const ReadEvent& redaction, const ReadEvent& target) {
    const AuthCheck check = {state, redaction, ed25519_verifier(), {}};
    return check.sender_level() >= check.level_to("redact") ||
           domain_of(check.sender()) == domain_of(target.event->sender.view());
}

}  // namespace matrix::oracle
