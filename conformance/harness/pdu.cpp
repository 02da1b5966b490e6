#include "conformance/harness/pdu.h"

#include "refserver/base/assert.h"
#include "refserver/protocol/base64.h"
#include "refserver/protocol/event_hash.h"

namespace matrix::conformance {
namespace {

std::vector<EventId> read_references(const Json& references) {
    std::vector<EventId> ids;
    if (!references.is_array()) return ids;
    for (const Json& reference : references) {
        // Room versions 1 and 2: a pair of id and hashes.
        const Json& id = reference.is_array() && !reference.empty() ? reference[0] : reference;
        if (id.is_string()) ids.emplace_back(id.get<std::string>());
    }
    return ids;
}

bool has_derived_room_id(const Pdu& pdu) {
    return pdu.rules->event_format == EventFormat::HashedRoomId && pdu.type() == "m.room.create" &&
           !pdu.json.contains("room_id");
}

}  // namespace

EventId Pdu::id() const {
    const auto id = event_id_of(to_protocol_object(json), *rules);
    return id ? *id : EventId();
}

RoomId Pdu::room() const {
    if (has_derived_room_id(*this)) return RoomId("!" + id().text().substr(1));
    return RoomId(string_at(json, {"room_id"}));
}

std::optional<std::string> Pdu::state_key() const {
    const Json& key = at_path(json, {"state_key"});
    if (!key.is_string()) return std::nullopt;
    return key.get<std::string>();
}

std::vector<EventId> Pdu::prev_events() const {
    return read_references(at_path(json, {"prev_events"}));
}
std::vector<EventId> Pdu::auth_events() const {
    return read_references(at_path(json, {"auth_events"}));
}

std::ostream& operator<<(std::ostream& out, const Pdu& pdu) {
    return out << pdu.json.dump();
}

Json to_json(const std::vector<Pdu>& pdus) {
    Json array = Json::array();
    for (const Pdu& pdu : pdus)
        array.push_back(pdu.json);
    return array;
}

std::vector<Pdu> pdus_from(const Json& array, const RoomRules& rules) {
    std::vector<Pdu> pdus;
    if (!array.is_array()) return pdus;
    for (const Json& json : array)
        pdus.push_back({json, &rules});
    return pdus;
}

Json references_to(const std::vector<EventId>& events, const RoomRules& rules) {
    Json references = Json::array();
    for (const EventId& event : events) {
        if (rules.event_format == EventFormat::IdsAndHashes) {
            references.push_back(Json::array({event.text(), Json::object()}));
        } else {
            references.push_back(event.text());
        }
    }
    return references;
}

Pdu sign_pdu(Pdu pdu, const ServerName& server, const Signer& signer) {
    pdu.json.erase("hashes");
    pdu.json.erase("signatures");
    json::Object object = to_protocol_object(pdu.json);
    // Room versions 1 and 2: who makes an event names it; what is in it makes a name of its own.
    if (pdu.rules->event_id_encoding == EventIdEncoding::Opaque && !object.contains("event_id")) {
        const std::string name = encode_base64_url(view(sha256(json::write(object))));
        object.set("event_id", "$" + name + ":" + server.text());
    }
    hash_and_sign_event(object, server, signer, *pdu.rules);
    pdu.json = from_protocol(object);
    return pdu;
}

Pdu add_signature(Pdu pdu, const ServerName& server, const Signer& signer) {
    json::Object object = to_protocol_object(pdu.json);
    sign_event(object, server, signer, *pdu.rules);
    pdu.json = from_protocol(object);
    return pdu;
}

json::Value to_protocol(const Json& value) {
    switch (value.type()) {
        case Json::value_t::object: {
            json::Object object;
            for (const auto& [key, member] : value.items())
                object.set(key, to_protocol(member));
            return object;
        }
        case Json::value_t::array: {
            json::Array array;
            for (const Json& element : value)
                array.push_back(to_protocol(element));
            return array;
        }
        case Json::value_t::string:
            return value.get<std::string>();
        case Json::value_t::boolean:
            return value.get<bool>();
        case Json::value_t::number_integer: {
            const auto integer = value.get<std::int64_t>();
            if (integer < json::kIntegerMin) return json::OtherNumber{value.dump()};
            return integer;
        }
        case Json::value_t::number_unsigned: {
            const auto integer = value.get<std::uint64_t>();
            if (integer > std::uint64_t{json::kIntegerMax}) return json::OtherNumber{value.dump()};
            return static_cast<std::int64_t>(integer);
        }
        case Json::value_t::number_float:
            return json::OtherNumber{value.dump()};
        case Json::value_t::null:
        case Json::value_t::binary:
        case Json::value_t::discarded:
            return nullptr;
    }
    unreachable();
}

json::Object to_protocol_object(const Json& object) {
    const json::Value value = to_protocol(object);
    return value.is_object() ? *value.if_object() : json::Object();
}

Json from_protocol(const json::Object& object) {
    return Json::parse(json::write(object));
}

}  // namespace matrix::conformance
