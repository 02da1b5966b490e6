#include "refserver/commands/given_event.h"

#include "conformance/oracle/vectors.h"

namespace matrix::commands {

bool has_given_id(const json::Object& pdu, const RoomRules& rules) {
    if (!pdu.contains("event_id")) return false;
    return rules.event_format != EventFormat::IdsAndHashes || !pdu.contains("hashes");
}

RoomId default_room_of(std::span<const json::Object* const> pdus, const RoomRules& rules) {
    const auto string_in = [](const json::Object& pdu, std::string_view key) {
        const json::Value* value = pdu.find(key);
        const std::string* text = value ? value->if_string() : nullptr;
        return text ? *text : std::string();
    };
    for (const json::Object* pdu : pdus) {
        if (string_in(*pdu, "type") != "m.room.create") continue;
        if (rules.event_format == EventFormat::HashedRoomId) {
            const std::string id = string_in(*pdu, "event_id");
            if (!id.empty()) return RoomId("!" + id.substr(1));
            continue;
        }
        // The rules ask for a room of the server that creates it (v11 1.2).
        const auto sender = parse_user_id(string_in(*pdu, "sender"));
        if (sender) return RoomId("!room:" + sender->server().text());
    }
    return RoomId("!room:example.org");
}

std::expected<EventPtr, EventError> parse_any_event(const json::Object& pdu,
                                                    const RoomRules& rules,
                                                    const RoomId& default_room) {
    if (!has_given_id(pdu, rules)) {
        auto event = parse_event(pdu, rules);
        if (!event) return std::unexpected(std::move(event).error());
        return std::make_shared<const Event>(*std::move(event));
    }
    auto event = oracle::parse_vector_event(pdu, rules, default_room, "");
    if (event) return *std::move(event);
    std::string field = std::move(event.error().where);
    if (field.starts_with('.')) field.erase(0, 1);
    return std::unexpected(EventError{std::move(field), std::move(event.error().what)});
}

}  // namespace matrix::commands
