// Redaction by the protected keys of each room version.
//
// Spec: https://spec.matrix.org/v1.19/rooms/v11/#redactions and the same section of other versions

#include "refserver/protocol/redaction.h"

#include <algorithm>
#include <span>

namespace matrix {
namespace {

using Keys = std::vector<std::string_view>;

constexpr std::string_view kProtectedKeys[] = {"event_id",
                                               "type",
                                               "room_id",
                                               "sender",
                                               "state_key",
                                               "content",
                                               "hashes",
                                               "signatures",
                                               "depth",
                                               "prev_events",
                                               "auth_events",
                                               "origin_server_ts"};
constexpr std::string_view kLegacyProtectedKeys[] = {"prev_state", "origin", "membership"};

json::Object keep(const json::Object& object, std::span<const std::string_view> keys) {
    json::Object kept;
    for (const std::string_view key : keys) {
        if (const json::Value* value = object.find(key)) kept.set(key, *value);
    }
    return kept;
}

Keys protected_content_keys(std::string_view type, const RedactionRules& rules) {
    Keys keys;
    if (type == "m.room.member") {
        keys = {"membership"};
        if (rules.keeps_authorising_user) keys.push_back("join_authorised_via_users_server");
    } else if (type == "m.room.create") {
        keys = {"creator"};
    } else if (type == "m.room.join_rules") {
        keys = {"join_rule"};
        if (rules.keeps_allow) keys.push_back("allow");
    } else if (type == "m.room.power_levels") {
        keys = {"ban",
                "events",
                "events_default",
                "kick",
                "redact",
                "state_default",
                "users",
                "users_default"};
        if (rules.keeps_invite_level) keys.push_back("invite");
    } else if (type == "m.room.aliases") {
        if (rules.keeps_aliases) keys = {"aliases"};
    } else if (type == "m.room.history_visibility") {
        keys = {"history_visibility"};
    } else if (type == "m.room.redaction") {
        if (rules.keeps_redacts) keys = {"redacts"};
    }
    return keys;
}

json::Object redact_content(std::string_view type,
                            const json::Object& content,
                            const RedactionRules& rules) {
    if (type == "m.room.create" && rules.keeps_all_of_create) return content;
    json::Object kept = keep(content, protected_content_keys(type, rules));
    if (type == "m.room.member" && rules.keeps_signed_third_party_invite) {
        const json::Value* invite = content.find("third_party_invite");
        if (invite && invite->is_object()) {
            constexpr std::string_view kKeptOfInvite[] = {"signed"};
            kept.set("third_party_invite", keep(*invite->if_object(), kKeptOfInvite));
        }
    }
    return kept;
}

}  // namespace

json::Object redact(const json::Object& pdu, const RoomRules& rules) {
    json::Object redacted;
    for (const std::string_view key : kProtectedKeys) {
        if (key == "content") continue;
        if (const json::Value* value = pdu.find(key)) redacted.set(key, *value);
    }
    if (rules.redaction.keeps_legacy_top_level) {
        for (const std::string_view key : kLegacyProtectedKeys) {
            if (const json::Value* value = pdu.find(key)) redacted.set(key, *value);
        }
    }
    if (const json::Value* content = pdu.find("content")) {
        const json::Value* type = pdu.find("type");
        const std::string* type_name = type ? type->if_string() : nullptr;
        const json::Object* object = content->if_object();
        const bool has_protected_keys = type_name && object;
        redacted.set("content",
                     has_protected_keys ? redact_content(*type_name, *object, rules.redaction)
                                        : json::Object());
    }
    return redacted;
}

Event redact(const Event& event) {
    const json::Object pdu = redact(event.parse_text(), *event.rules);
    const json::Object& content = *pdu.find("content")->if_object();
    Event redacted = event;
    redacted.text = json::write(pdu);
    redacted.content = parse_event_content(event.type, content, *event.rules);
    if (!event.rules->redaction.keeps_redacts) redacted.redacts.reset();
    return redacted;
}

}  // namespace matrix
