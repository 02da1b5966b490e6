// Reading a PDU: which bytes are an event of a room version.
//
// Spec: https://spec.matrix.org/v1.19/rooms/v12/#event-format-1 and the same section of other versions

#include <algorithm>
#include <charconv>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/protocol/event.h"
#include "refserver/protocol/event_hash.h"

namespace matrix {
namespace {

std::unexpected<EventError> refuse_field(std::string_view field, std::string what) {
    return std::unexpected(EventError{std::string(field), std::move(what)});
}

std::expected<const json::Value*, EventError> find_required(const json::Object& pdu,
                                                            std::string_view field,
                                                            const char* expected) {
    const json::Value* value = pdu.find(field);
    if (!value) return refuse_field(field, std::string(expected) + ", but it is missing");
    return value;
}

std::unexpected<EventError> refuse_type(std::string_view field,
                                        const char* expected,
                                        const json::Value& value) {
    return refuse_field(field, std::string(expected) + ", not " + std::string(value.type_name()));
}

std::expected<const json::Object*, EventError> read_object(const json::Object& pdu,
                                                           std::string_view field) {
    ASSIGN_OR_RETURN(const json::Value* value, find_required(pdu, field, "an object"));
    if (!value->is_object()) return refuse_type(field, "an object", *value);
    return value->if_object();
}

// A string of at most 255 bytes.
//
// UNSPECIFIED: the appendices count bytes, and some servers count code points in old room versions;
// we count bytes in all.
std::expected<const std::string*, EventError> read_short_string(const json::Object& pdu,
                                                                std::string_view field) {
    ASSIGN_OR_RETURN(const json::Value* value, find_required(pdu, field, "a string"));
    const std::string* text = value->if_string();
    if (!text) return refuse_type(field, "a string", *value);
    if (text->size() > kIdBytesMax) return refuse_field(field, "at most 255 bytes");
    return text;
}

// Integers beyond those of canonical JSON too, which only versions without strict JSON let through.
std::expected<std::int64_t, EventError> read_integer(const json::Object& pdu,
                                                     std::string_view field) {
    ASSIGN_OR_RETURN(const json::Value* value, find_required(pdu, field, "an integer"));
    if (const std::int64_t* integer = value->if_integer()) return *integer;
    const json::OtherNumber* number = value->if_other_number();
    if (!number) return refuse_type(field, "an integer", *value);
    std::int64_t integer = 0;
    const char* end = number->text.data() + number->text.size();
    const auto [rest, error] = std::from_chars(number->text.data(), end, integer);
    if (error != std::errc() || rest != end) return refuse_field(field, "an integer of 64 bits");
    return integer;
}

// The id in one entry of `prev_events` or `auth_events`; in v1 and v2 a pair of id and hashes.
//
// UNSPECIFIED: whether the hashes of such a pair must be a valid `sha256`; nothing reads them, and
// we ask for an object.
const std::string* find_cited_id(const json::Value& entry, const RoomRules& rules) {
    if (rules.event_format != EventFormat::IdsAndHashes) return entry.if_string();
    const json::Array* pair = entry.if_array();
    const bool is_pair = pair && pair->size() == 2 && (*pair)[1].is_object();
    return is_pair ? (*pair)[0].if_string() : nullptr;
}

std::expected<std::vector<EventId>, EventError> read_cited(const json::Object& pdu,
                                                           std::string_view field,
                                                           std::size_t count_max,
                                                           const RoomRules& rules) {
    ASSIGN_OR_RETURN(const json::Value* value, find_required(pdu, field, "an array"));
    const json::Array* entries = value->if_array();
    if (!entries) return refuse_type(field, "an array", *value);
    if (entries->size() > count_max) {
        SIM_SOMETIMES("a PDU cites too many events");
        return refuse_field(field, "at most " + std::to_string(count_max) + " events");
    }
    std::vector<EventId> ids;
    ids.reserve(entries->size());
    for (const json::Value& entry : *entries) {
        const std::string* text = find_cited_id(entry, rules);
        if (!text) {
            const bool has_pairs = rules.event_format == EventFormat::IdsAndHashes;
            return refuse_field(field, has_pairs ? "pairs of event id and hashes" : "event ids");
        }
        auto id = parse_event_id(*text, rules);
        if (!id) return refuse_field(field, "event ids: " + std::move(id).error().what);
        ids.push_back(*std::move(id));
    }
    return ids;
}

std::expected<void, EventError> check_whole(const json::Object& pdu,
                                            const std::string& text,
                                            const RoomRules& rules) {
    if (text.size() > kPduBytesMax) {
        SIM_SOMETIMES("a PDU is too large");
        return refuse_field("", "at most " + std::to_string(kPduBytesMax) + " bytes");
    }
    if (json::depth_of(pdu) > kEventNestingMax) {
        SIM_SOMETIMES("a PDU is nested too deeply");
        return refuse_field("", "arrays and objects nested less deeply");
    }
    if (!rules.is_canonical_json_enforced) return {};
    for (const json::Member& member : pdu) {
        if (member.key == "unsigned" || json::has_only_canonical_numbers(member.value)) continue;
        SIM_SOMETIMES("a PDU has a number that canonical JSON has not");
        return refuse_field(member.key, "integers of canonical JSON as the only numbers");
    }
    return {};
}

std::expected<void, EventError> check_hashes_and_signatures(const json::Object& pdu) {
    ASSIGN_OR_RETURN(const json::Object* hashes, read_object(pdu, "hashes"));
    const json::Value* sha256 = hashes->find("sha256");
    if (!sha256 || !sha256->if_string()) return refuse_field("hashes", "a string \"sha256\"");

    ASSIGN_OR_RETURN(const json::Object* signatures, read_object(pdu, "signatures"));
    for (const json::Member& entity : *signatures) {
        const json::Object* by_key = entity.value.if_object();
        const bool is_good = by_key && std::ranges::all_of(*by_key, [](const json::Member& member) {
                                 return member.value.if_string() != nullptr;
                             });
        if (!is_good) return refuse_field("signatures", "an object of strings for each entity");
    }
    return {};
}

// From v12 on the create event has no room id: the room has the create event's id.
std::expected<RoomId, EventError> read_room_id(const json::Object& pdu,
                                               const Event& event,
                                               const RoomRules& rules) {
    if (rules.event_format == EventFormat::HashedRoomId && event.type == "m.room.create") {
        if (pdu.contains("room_id")) {
            SIM_SOMETIMES("a create event contains its room id");
            return refuse_field("room_id", "no room id in a create event");
        }
        return RoomId("!" + event.id.text().substr(1));
    }
    ASSIGN_OR_RETURN(const std::string* text, read_short_string(pdu, "room_id"));
    auto id = parse_room_id(*text, rules);
    if (!id) return refuse_field("room_id", std::move(id).error().what);
    return *std::move(id);
}

// What a redaction redacts. A `redacts` of the wrong type at the top level breaks the event's
// format; inside the content it only redacts nothing.
std::expected<std::optional<EventId>, EventError> read_redacts(const json::Object& pdu,
                                                               const Event& event,
                                                               const RoomRules& rules) {
    const json::Object& holder =
        rules.has_redacts_in_content ? *pdu.find("content")->if_object() : pdu;
    const json::Value* value = holder.find("redacts");
    if (!value) return std::nullopt;
    const std::string* text = value->if_string();
    if (!rules.has_redacts_in_content) {
        if (!text) return refuse_type("redacts", "a string", *value);
        if (text->size() > kIdBytesMax) return refuse_field("redacts", "at most 255 bytes");
    }
    if (!text || event.type != "m.room.redaction") return std::nullopt;
    return EventId(*text);
}

std::expected<void, EventError> read_fields(const json::Object& pdu,
                                            const RoomRules& rules,
                                            Event& event) {
    ASSIGN_OR_RETURN(const std::string* type, read_short_string(pdu, "type"));
    event.type = *type;

    ASSIGN_OR_RETURN(const std::string* sender, read_short_string(pdu, "sender"));
    auto user_id = parse_user_id(*sender);
    if (!user_id) return refuse_field("sender", std::move(user_id).error().what);
    event.sender = *std::move(user_id);

    if (pdu.contains("state_key")) {
        ASSIGN_OR_RETURN(const std::string* state_key, read_short_string(pdu, "state_key"));
        event.state_key = *state_key;
    }
    ASSIGN_OR_RETURN(event.prev_events, read_cited(pdu, "prev_events", kPrevEventsMax, rules));
    ASSIGN_OR_RETURN(event.auth_events, read_cited(pdu, "auth_events", kAuthEventsMax, rules));

    ASSIGN_OR_RETURN(event.depth, read_integer(pdu, "depth"));
    if (event.depth < 0 || event.depth > rules.depth_max) {
        SIM_SOMETIMES("a PDU's depth is out of range");
        return refuse_field("depth", "0 to " + std::to_string(rules.depth_max));
    }
    ASSIGN_OR_RETURN(event.origin_server_ts, read_integer(pdu, "origin_server_ts"));

    ASSIGN_OR_RETURN(const json::Object* content, read_object(pdu, "content"));
    event.content = parse_event_content(event.type, *content, rules);
    ASSIGN_OR_RETURN(event.redacts, read_redacts(pdu, event, rules));
    return {};
}

}  // namespace

std::expected<Event, EventError> parse_event(const json::Object& pdu, const RoomRules& rules) {
    Event event;
    event.rules = &rules;
    constexpr std::string_view kDropped[] = {"unsigned"};
    event.text = json::write_without(pdu, kDropped);
    RETURN_IF_ERROR(check_whole(pdu, event.text, rules));
    RETURN_IF_ERROR(read_fields(pdu, rules, event));
    RETURN_IF_ERROR(check_hashes_and_signatures(pdu));
    ASSIGN_OR_RETURN(event.id, event_id_of(pdu, rules));
    ASSIGN_OR_RETURN(event.room_id, read_room_id(pdu, event, rules));
    return event;
}

std::expected<Event, EventError> parse_event(std::string_view bytes, const RoomRules& rules) {
    const auto document = json::parse(bytes, json::Numbers::Any);
    if (!document) {
        return refuse_field("",
                            "JSON, with " + document.error().what + " at byte " +
                                std::to_string(document.error().offset));
    }
    const json::Object* pdu = document->if_object();
    if (!pdu) return refuse_field("", "an object");
    return parse_event(*pdu, rules);
}

}  // namespace matrix
