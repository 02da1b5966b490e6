#include "refserver/commands/adapter_request.h"

#include <utility>

#include "refserver/base/assert.h"
#include "refserver/base/result_macros.h"
#include "refserver/commands/given_event.h"
#include "refserver/protocol/base64.h"

namespace matrix::commands::adapter {
namespace {

std::string_view name_of(ErrorClass error_class) {
    switch (error_class) {
        case ErrorClass::Rejected:
            return "rejected";
        case ErrorClass::Malformed:
            return "malformed";
        case ErrorClass::Unsupported:
            return "unsupported";
    }
    unreachable();
}

std::string indexed(std::string_view field, std::size_t index) {
    return std::string(field) + '[' + std::to_string(index) + ']';
}

}  // namespace

json::Object to_json(const RequestError& error) {
    json::Object object{{"class", name_of(error.error_class)}, {"message", error.message}};
    if (!error.field.empty()) object.set("field", error.field);
    if (!error.rule.empty()) object.set("rule", error.rule);
    return object;
}

std::unexpected<RequestError> refuse_request(std::string_view field, std::string expected) {
    std::string message = field.empty() ? "" : std::string(field) + ": ";
    message += "expected " + std::move(expected);
    return std::unexpected(
        RequestError{ErrorClass::Malformed, std::move(message), std::string(field), ""});
}

Result<const RoomRules*> read_rules(const json::Object& request) {
    ASSIGN_OR_RETURN(const std::string* version, read_text(request, "room_version"));
    if (const RoomRules* rules = find_room_rules(*version)) return rules;
    return std::unexpected(RequestError{
        ErrorClass::Unsupported, "room_version: expected \"1\" to \"12\"", "room_version", ""});
}

Result<const std::string*> read_text(const json::Object& request, std::string_view field) {
    const json::Value* value = request.find(field);
    if (!value) return refuse_request(field, "a string, but it is missing");
    if (const std::string* text = value->if_string()) return text;
    return refuse_request(field, "a string, not " + std::string(value->type_name()));
}

Result<std::string> read_bytes(const json::Object& request, std::string_view field) {
    ASSIGN_OR_RETURN(const std::string* text, read_text(request, field));
    auto bytes = decode_base64(*text);
    if (!bytes) return refuse_request(field, "base64");
    return *std::move(bytes);
}

Result<std::vector<EventId>> read_event_ids(const json::Object& request, std::string_view field) {
    std::vector<EventId> ids;
    const json::Value* value = request.find(field);
    if (!value) return ids;
    const json::Array* entries = value->if_array();
    if (!entries) return refuse_request(field, "an array of event ids");
    for (const json::Value& entry : *entries) {
        const std::string* id = entry.if_string();
        if (!id) return refuse_request(field, "an array of event ids");
        ids.emplace_back(*id);
    }
    return ids;
}

Result<bool> uses_oracle(const json::Object& request, bool has_quirks) {
    if (!request.contains("implementation")) return has_quirks;
    ASSIGN_OR_RETURN(const std::string* name, read_text(request, "implementation"));
    if (*name == "oracle") return true;
    if (*name != "fast") return refuse_request("implementation", "\"fast\" or \"oracle\"");
    if (!has_quirks) return false;
    return std::unexpected(
        RequestError{ErrorClass::Unsupported, "quirks: only the oracle has quirks", "quirks", ""});
}

Result<json::Object> read_pdu(const json::Value& value, std::string_view field) {
    const json::Object* object = value.if_object();
    if (!object) return refuse_request(field, "an event, not " + std::string(value.type_name()));
    if (!object->contains("bytes_b64")) return *object;
    ASSIGN_OR_RETURN(const std::string bytes, read_bytes(*object, "bytes_b64"));
    auto document = json::parse(bytes, json::Numbers::Any);
    if (!document) {
        return refuse_request(field,
                              "JSON in bytes_b64, with " + document.error().what + " at byte " +
                                  std::to_string(document.error().offset));
    }
    json::Object* pdu = document->if_object();
    if (!pdu) return refuse_request(field, "an object in bytes_b64");
    if (const json::Value* id = object->find("event_id")) pdu->set("event_id", *id);
    return std::move(*pdu);
}

Result<json::Object> read_event_pdu(const json::Object& request) {
    if (const json::Value* event = request.find("event")) return read_pdu(*event, "event");
    if (const json::Value* bytes = request.find("bytes_b64")) {
        return read_pdu(json::Object{{"bytes_b64", *bytes}}, "bytes_b64");
    }
    return refuse_request("event", "an event, or its bytes as bytes_b64");
}

Result<std::vector<json::Object>> read_pdus(const json::Object& request, std::string_view field) {
    std::vector<json::Object> pdus;
    const json::Value* value = request.find(field);
    if (!value) return pdus;
    const json::Array* entries = value->if_array();
    if (!entries) {
        return refuse_request(field, "an array of events, not " + std::string(value->type_name()));
    }
    pdus.reserve(entries->size());
    for (std::size_t index = 0; index < entries->size(); ++index) {
        ASSIGN_OR_RETURN(json::Object pdu, read_pdu((*entries)[index], indexed(field, index)));
        pdus.push_back(std::move(pdu));
    }
    return pdus;
}

Result<EventPtr> make_event(const json::Object& pdu,
                            const RoomRules& rules,
                            const RoomId& default_room,
                            std::string_view field) {
    auto event = parse_any_event(pdu, rules, default_room);
    if (event) return *std::move(event);
    std::string place(field);
    if (!event.error().field.empty()) place += '.' + event.error().field;
    return refuse_request(place, event.error().what);
}

}  // namespace matrix::commands::adapter
