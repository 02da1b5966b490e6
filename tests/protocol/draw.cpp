// Drawing JSON values, spellings and PDUs.

#include "tests/protocol/draw.h"

#include <rapidcheck.h>

#include "refserver/protocol/event.h"
#include "refserver/protocol/redaction.h"

namespace matrix::draw {
namespace {

int below(int bound) {
    return *rc::gen::inRange(0, bound);
}

std::string one_of(const std::vector<std::string>& choices) {
    return *rc::gen::elementOf(choices);
}

std::int64_t integer() {
    const std::vector<std::int64_t> edges = {
        0, 1, -1, 50, 100, json::kIntegerMax, json::kIntegerMin};
    if (below(2) == 0) return *rc::gen::elementOf(edges);
    return *rc::gen::inRange<std::int64_t>(json::kIntegerMin, json::kIntegerMax + 1);
}

void spell_space(std::string& out) {
    out += one_of({"", "", "", " ", "\n", "\t ", "\r\n"});
}

void spell_string(std::string& out, std::string_view text) {
    std::string canonical;
    json::write_string_to(canonical, text);
    for (std::size_t i = 0; i < canonical.size(); ++i) {
        const char c = canonical[i];
        const bool may_change = (c >= 'a' && c <= 'z') || c == '/';
        if (c == '\\') {  // An escape sequence stays as it is.
            const std::size_t length = canonical[i + 1] == 'u' ? 6 : 2;
            out += canonical.substr(i, length);
            i += length - 1;
        } else if (!may_change || below(4) != 0) {
            out += c;
        } else if (c == '/') {
            out += "\\/";
        } else {
            out += c >= 'p' ? "\\u007" : "\\u006";
            out += (below(2) == 0 ? "0123456789abcdef" : "0123456789ABCDEF")[c & 0xF];
        }
    }
}

void spell_value(std::string& out, const json::Value& value);

void spell_object(std::string& out, const json::Object& object) {
    std::vector<const json::Member*> members;
    for (const json::Member& member : object) {
        members.insert(members.begin() + below(static_cast<int>(members.size()) + 1), &member);
    }
    out += '{';
    for (const json::Member* member : members) {
        if (member != members.front()) out += ',';
        spell_space(out);
        spell_string(out, member->key);
        spell_space(out);
        out += ':';
        spell_value(out, member->value);
    }
    spell_space(out);
    out += '}';
}

void spell_value(std::string& out, const json::Value& value) {
    spell_space(out);
    if (const std::string* string = value.if_string()) {
        spell_string(out, *string);
    } else if (const json::Object* object = value.if_object()) {
        spell_object(out, *object);
    } else if (const json::Array* array = value.if_array()) {
        out += '[';
        for (const json::Value& element : *array) {
            if (&element != &array->front()) out += ',';
            spell_value(out, element);
        }
        out += ']';
    } else {
        json::write_to(out, value);
    }
    spell_space(out);
}

EventId event_id(const RoomRules& rules) {
    if (rules.event_format == EventFormat::IdsAndHashes)
        return EventId("$" + text() + ":a.example");
    return EventId("$" + std::string(42, static_cast<char>('a' + below(26))) + "A");
}

// Contents whose keys matter somewhere, with values of any type.
json::Object content() {
    const std::vector<std::string> keys = {"membership",
                                           "third_party_invite",
                                           "join_authorised_via_users_server",
                                           "creator",
                                           "room_version",
                                           "join_rule",
                                           "allow",
                                           "ban",
                                           "events",
                                           "invite",
                                           "users",
                                           "notifications",
                                           "aliases",
                                           "history_visibility",
                                           "redacts",
                                           "body"};
    json::Object object;
    for (int i = below(5); i > 0; --i)
        object.set(one_of(keys), value(2));
    if (below(4) == 0) {
        object.set("third_party_invite", json::Object{{"signed", value(1)}, {"x", 1}});
    }
    return object;
}

}  // namespace

const RoomRules& rules() {
    const auto version = *rc::gen::element<std::string>(
        "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12");
    RC_TAG(version);
    return *find_room_rules(version);
}

const RoomRules& rules_with_hashed_ids() {
    const auto version =
        *rc::gen::element<std::string>("3", "4", "5", "6", "7", "8", "9", "10", "11", "12");
    RC_TAG(version);
    return *find_room_rules(version);
}

std::string text() {
    std::string result;
    for (int i = below(5); i > 0; --i) {
        result += one_of({"a",
                          "b",
                          "z",
                          "0",
                          " ",
                          "/",
                          "\"",
                          "\\",
                          "\n",
                          "\x1f",
                          "\x7f",
                          "é",
                          "日",
                          "\u2028",
                          "\uFF5E",
                          "\U0001F600",
                          "\U0010FFFF"});
    }
    return result;
}

json::Value value(int depth_max) {
    switch (below(depth_max > 0 ? 6 : 4)) {
        case 0:
            return text();
        case 1:
            return integer();
        case 2:
            return below(2) == 0;
        case 3:
            return nullptr;
        case 4:
            return object(depth_max - 1);
        default:
            json::Array array;
            for (int i = below(4); i > 0; --i)
                array.push_back(value(depth_max - 1));
            return array;
    }
}

json::Object object(int depth_max) {
    json::Object result;
    for (int i = below(5); i > 0; --i) {
        const std::string key = text();
        result.set(key, value(depth_max - 1));
    }
    return result;
}

std::string spelling(const json::Value& value) {
    std::string out;
    spell_value(out, value);
    return out;
}

std::unique_ptr<Signer> signer(std::string_view key_id, char seed) {
    return make_ed25519_signer(KeyId(key_id), std::string(32, seed));
}

json::Object pdu(const RoomRules& rules) {
    EventTemplate event;
    event.sender = UserId("@alice:a.example");
    event.type = one_of({"m.room.member",
                         "m.room.create",
                         "m.room.join_rules",
                         "m.room.power_levels",
                         "m.room.aliases",
                         "m.room.history_visibility",
                         "m.room.redaction",
                         "m.room.message",
                         "m.room.third_party_invite",
                         "x"});
    event.room_id = rules.event_format == EventFormat::HashedRoomId
                        ? RoomId("!" + std::string(43, 'A'))
                        : RoomId("!r:a.example");
    if (below(2) == 0) event.state_key = text();
    event.content = content();
    for (int i = below(3); i > 0; --i)
        event.prev_events.push_back(event_id(rules));
    for (int i = below(3); i > 0; --i)
        event.auth_events.push_back(event_id(rules));
    event.depth = below(1000);
    event.origin_server_ts = integer();
    if (below(4) == 0) event.redacts = event_id(rules);

    std::optional<EventId> id;
    if (rules.event_format == EventFormat::IdsAndHashes) id = EventId("$own:a.example");
    json::Object result = make_pdu(event, rules, id);
    if (below(3) == 0) result.set("origin", "a.example");
    if (below(3) == 0) result.set("unknown", value(1));
    if (below(3) == 0) result.set("unsigned", value(1));
    hash_and_sign_event(result, ServerName("a.example"), *signer(), rules);
    return result;
}

std::string protected_key(const json::Object& pdu, const RoomRules& rules) {
    std::vector<std::string> keys;
    for (const json::Member& member : redact(pdu, rules)) {
        if (member.key != "signatures") keys.push_back(member.key);
    }
    return one_of(keys);
}

}  // namespace matrix::draw
