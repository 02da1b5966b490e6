// Redaction by the protected keys of each room version.
//
// Spec: https://spec.matrix.org/v1.19/rooms/v11/#redactions and the same section of other versions

#include "refserver/protocol/redaction.h"

#include <algorithm>
#include <span>

namespace matrix {
namespace {

constexpr std::size_t kUsualRedactedBytes = 1000;

bool contains(std::span<const std::string_view> keys, std::string_view key) {
    return std::ranges::find(keys, key) != keys.end();
}

bool is_protected(std::string_view key, const RedactionRules& rules) {
    static constexpr std::string_view kKeys[] = {"auth_events",
                                                 "content",
                                                 "depth",
                                                 "event_id",
                                                 "hashes",
                                                 "origin_server_ts",
                                                 "prev_events",
                                                 "room_id",
                                                 "sender",
                                                 "signatures",
                                                 "state_key",
                                                 "type"};
    static constexpr std::string_view kLegacyKeys[] = {"membership", "origin", "prev_state"};
    return contains(kKeys, key) || (rules.keeps_legacy_top_level && contains(kLegacyKeys, key));
}

// Which members of the content are kept whole.
bool is_protected_in_content(std::string_view key,
                             std::string_view type,
                             const RedactionRules& rules) {
    static constexpr std::string_view kLevels[] = {"ban",
                                                   "events",
                                                   "events_default",
                                                   "kick",
                                                   "redact",
                                                   "state_default",
                                                   "users",
                                                   "users_default"};
    if (type == "m.room.member") {
        if (key == "join_authorised_via_users_server") return rules.keeps_authorising_user;
        return key == "membership";
    }
    if (type == "m.room.create") return rules.keeps_all_of_create || key == "creator";
    if (type == "m.room.join_rules") {
        return key == "join_rule" || (key == "allow" && rules.keeps_allow);
    }
    if (type == "m.room.power_levels") {
        return contains(kLevels, key) || (key == "invite" && rules.keeps_invite_level);
    }
    if (type == "m.room.aliases") return key == "aliases" && rules.keeps_aliases;
    if (type == "m.room.history_visibility") return key == "history_visibility";
    if (type == "m.room.redaction") return key == "redacts" && rules.keeps_redacts;
    return false;
}

// Of a third party's invite `signed` alone is kept, where anything is.
bool is_protected_invite(const json::Member& member,
                         std::string_view type,
                         const RedactionRules& rules) {
    return type == "m.room.member" && member.key == "third_party_invite" &&
           rules.keeps_signed_third_party_invite && member.value.is_object();
}

// `Sink` takes members in the order of their keys: `add(member)` as they are, `nest(key, fill)` an
// object that `fill` fills.
template <class Sink>
void redact_content(Sink& sink,
                    const json::Object& content,
                    std::string_view type,
                    const RedactionRules& rules) {
    for (const json::Member& member : content) {
        if (is_protected_in_content(member.key, type, rules)) {
            sink.add(member);
        } else if (is_protected_invite(member, type, rules)) {
            sink.nest(member.key, [&](Sink& invite) {
                for (const json::Member& part : *member.value.if_object()) {
                    if (part.key == "signed") invite.add(part);
                }
            });
        }
    }
}

template <class Sink>
void redact_pdu(Sink& sink, const json::Object& pdu, const RedactionRules& rules) {
    for (const json::Member& member : pdu) {
        if (!is_protected(member.key, rules)) continue;
        if (member.key != "content") {
            sink.add(member);
            continue;
        }
        sink.nest(member.key, [&](Sink& content) {
            const json::Value* type = pdu.find("type");
            const std::string* name = type ? type->if_string() : nullptr;
            const json::Object* members = member.value.if_object();
            if (name && members) redact_content(content, *members, *name, rules);
        });
    }
}

class ObjectSink {
public:
    void add(const json::Member& member) { object_.set(member.key, member.value); }
    template <class Fill>
    void nest(std::string_view key, Fill fill) {
        ObjectSink nested;
        fill(nested);
        object_.set(key, std::move(nested.object_));
    }
    json::Object take() { return std::move(object_); }

private:
    json::Object object_;
};

class TextSink {
public:
    // Of the nested objects nothing is left out.
    explicit TextSink(std::string& out, std::string_view left_out = "")
        : writer_(out), left_out_(left_out) {}

    void add(const json::Member& member) {
        if (left_out_.empty() || member.key != left_out_) writer_.add(member);
    }
    template <class Fill>
    void nest(std::string_view key, Fill fill) {
        TextSink nested(writer_.add_key(key));
        fill(nested);
        nested.close();
    }
    void close() { writer_.close(); }

private:
    json::ObjectWriter writer_;
    std::string_view left_out_;
};

}  // namespace

json::Object redact(const json::Object& pdu, const RoomRules& rules) {
    ObjectSink redacted;
    redact_pdu(redacted, pdu, rules.redaction);
    return redacted.take();
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

std::string write_redacted_unsigned(const json::Object& pdu, const RoomRules& rules) {
    std::string out;
    out.reserve(kUsualRedactedBytes);
    TextSink sink(out, "signatures");
    redact_pdu(sink, pdu, rules.redaction);
    sink.close();
    return out;
}

}  // namespace matrix
