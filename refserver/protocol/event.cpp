// Events that were parsed, and events in the making.

#include "refserver/protocol/event.h"

#include <ostream>

#include "refserver/base/assert.h"
#include "refserver/protocol/base64.h"

namespace matrix {
namespace {

json::Array cite(const std::vector<EventId>& ids,
                 const EventTemplate& event,
                 const RoomRules& rules) {
    json::Array entries;
    for (const EventId& id : ids) {
        if (rules.event_format != EventFormat::IdsAndHashes) {
            entries.push_back(id.text());
            continue;
        }
        json::Object hashes;
        const auto hash = event.reference_hashes.find(id);
        if (hash != event.reference_hashes.end()) {
            hashes.set("sha256", encode_base64(view(hash->second)));
        }
        entries.push_back(json::Array{id.text(), std::move(hashes)});
    }
    return entries;
}

}  // namespace

json::Object Event::parse_text() const {
    auto document = json::parse(text, json::Numbers::Any);
    MATRIX_ASSERT(document && document->is_object());
    return std::move(*document->if_object());
}

json::Object Event::parse_content() const {
    json::Object pdu = parse_text();
    json::Value* content_value = pdu.find("content");
    MATRIX_ASSERT(content_value && content_value->is_object());
    return std::move(*content_value->if_object());
}

std::optional<Membership> Event::membership() const {
    const auto* member = find_content<MemberContent>();
    return member ? member->membership : std::nullopt;
}

std::ostream& operator<<(std::ostream& out, const Event& event) {
    return out << event.id << ' ' << event.text;
}

std::ostream& operator<<(std::ostream& out, const EventError& error) {
    if (!error.field.empty()) out << error.field << ": ";
    return out << "expected " << error.what;
}

json::Object make_pdu(const EventTemplate& event,
                      const RoomRules& rules,
                      const std::optional<EventId>& event_id) {
    MATRIX_ASSERT(event_id.has_value() == (rules.event_format == EventFormat::IdsAndHashes));
    json::Object pdu = {
        {"auth_events", cite(event.auth_events, event, rules)},
        {"content", event.content},
        {"depth", event.depth},
        {"origin_server_ts", event.origin_server_ts},
        {"prev_events", cite(event.prev_events, event, rules)},
        {"sender", event.sender.text()},
        {"type", event.type},
    };
    if (event_id) pdu.set("event_id", event_id->text());
    if (event.state_key) pdu.set("state_key", *event.state_key);

    const bool has_room_id =
        rules.event_format != EventFormat::HashedRoomId || event.type != "m.room.create";
    if (has_room_id) pdu.set("room_id", event.room_id.text());

    if (event.redacts && rules.has_redacts_in_content) {
        pdu.find("content")->if_object()->set("redacts", event.redacts->text());
    } else if (event.redacts) {
        pdu.set("redacts", event.redacts->text());
    }
    return pdu;
}

json::Object client_form(const Event& event) {
    json::Object content = event.parse_content();
    json::Object form = {
        {"event_id", event.id.text()},
        {"origin_server_ts", event.origin_server_ts},
        {"room_id", event.room_id.text()},
        {"sender", event.sender.text()},
        {"type", event.type},
    };
    if (event.state_key) form.set("state_key", *event.state_key);
    if (event.redacts) {
        form.set("redacts", event.redacts->text());
        content.set("redacts", event.redacts->text());
    }
    form.set("content", std::move(content));
    return form;
}

}  // namespace matrix
