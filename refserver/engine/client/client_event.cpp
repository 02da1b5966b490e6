#include "refserver/engine/client/client_event.h"

#include "refserver/base/assert.h"

namespace matrix::engine {
namespace {

json::Object form_of(const Event& event, RoomIdMember room_id) {
    json::Object form = client_form(event);
    if (room_id == RoomIdMember::LeftOut) form.erase("room_id");
    return form;
}

}  // namespace

json::Object ClientEventWriter::make_unsigned(const StoredEvent& stored) const {
    const Event& event = *stored.event;
    json::Object told{{"age", now_.value - event.origin_server_ts}};
    const auto transaction =
        transactions_.find_transaction_id(event.id, requester_.user, requester_.device);
    if (transaction) told.set("transaction_id", *transaction);
    if (stored.redacted_by) {
        if (const auto redaction = room_.find_event(*stored.redacted_by)) {
            told.set("redacted_because", form_of(*redaction->event, RoomIdMember::Included));
        }
    }
    const auto before = room_.state_before(event.id);
    if (!before) return told;
    if (event.is_state()) {
        const EventId* replaced = before->find(event.type, *event.state_key);
        const auto previous = replaced ? room_.find_event(*replaced) : nullptr;
        if (previous) {
            told.set("replaces_state", replaced->text());
            told.set("prev_content", previous->event->parse_content());
        }
    }
    if (event.is("m.room.member", requester_.user.view())) {
        const auto membership = event.membership();
        if (membership) told.set("membership", name_of(*membership));
    } else {
        const EventId* member = before->find("m.room.member", requester_.user.view());
        const auto stored_member = member ? room_.find_event(*member) : nullptr;
        const auto membership = stored_member ? stored_member->event->membership() : std::nullopt;
        told.set("membership", name_of(membership.value_or(Membership::Leave)));
    }
    return told;
}

std::string ClientEventWriter::write(const StoredEvent& stored, RoomIdMember room_id) const {
    std::string text = json::write(form_of(*stored.event, room_id));
    MATRIX_ASSERT(text.size() > 2);  // An event has members.
    text.pop_back();
    text += ",\"unsigned\":";
    json::write_to(text, make_unsigned(stored));
    text += '}';
    return text;
}

std::string ClientEventWriter::write(const EventPtr& event, RoomIdMember room_id) const {
    const auto stored = room_.find_event(event->id);
    if (!stored) return json::write(form_of(*event, room_id));
    return write(*stored, room_id);
}

std::optional<json::Object> stripped_form(const json::Object& pdu) {
    json::Object form;
    for (const std::string_view member : {"type", "state_key", "sender", "content"}) {
        const json::Value* value = pdu.find(member);
        const bool is_well_typed =
            value && (member == "content" ? value->is_object() : value->if_string() != nullptr);
        if (!is_well_typed) return std::nullopt;
        form.set(member, *value);
    }
    return form;
}

json::Array stripped_state(const Room& room, const State& state) {
    json::Array events;
    for (const EventPtr& event : list_preview_events(room, state))
        events.push_back(stripped_form(*event));
    return events;
}

std::string write_array(const std::vector<std::string>& texts) {
    std::string array = "[";
    for (const std::string& text : texts) {
        if (array.size() > 1) array += ',';
        array += text;
    }
    return array + "]";
}

ObjectWriter& ObjectWriter::add(std::string_view key, const json::Value& value) {
    return add_written(key, json::write(value));
}

ObjectWriter& ObjectWriter::add_written(std::string_view key, std::string_view json) {
    if (!empty()) text_ += ',';
    json::write_string_to(text_, key);
    text_ += ':';
    text_ += json;
    return *this;
}

}  // namespace matrix::engine
