// Copies of events with other contents, names and versions.

#include "tests/protocol/remade_events.h"

namespace matrix::testing {

Event with_content(const Event& event, const std::function<void(json::Object& content)>& change) {
    Event made = event;
    json::Object content = event.parse_content();
    change(content);
    made.content = parse_event_content(event.type, content, *event.rules);
    made.text = json::write(json::Object{{"content", std::move(content)}});
    return made;
}

std::string other_user_name(std::string_view text) {
    if (!text.starts_with('@') || text.find(':') == std::string_view::npos) {
        return std::string(text);
    }
    return "@renamed_" + std::string(text.substr(1));
}

namespace {

// Contents are not nested deeply.
json::Value with_other_names(const json::Value& value) {
    if (const std::string* text = value.if_string()) return other_user_name(*text);
    if (const json::Array* array = value.if_array()) {
        json::Array renamed;
        for (const json::Value& entry : *array)
            renamed.push_back(with_other_names(entry));
        return renamed;
    }
    const json::Object* object = value.if_object();
    if (!object) return value;
    json::Object renamed;
    for (const json::Member& member : *object)
        renamed.set(other_user_name(member.key), with_other_names(member.value));
    return renamed;
}

}  // namespace

Event with_other_user_names(const Event& event) {
    Event made = with_content(event, [](json::Object& content) {
        const json::Value renamed = with_other_names(content);
        content = *renamed.if_object();
    });
    made.sender = UserId(other_user_name(event.sender.view()));
    if (event.state_key) made.state_key = other_user_name(*event.state_key);
    return made;
}

Event in_version(const Event& event, const RoomRules& rules, const EventId& create) {
    Event made = event;
    made.rules = &rules;
    if (rules.event_format == EventFormat::HashedRoomId) {
        made.room_id = RoomId("!" + create.text().substr(1));
    }
    return with_content(made, [](json::Object&) {});
}

JudgedBy::JudgedBy(const generators::Room& room, const State& state, const Remake& remake) {
    const auto made = [&](const Event& event) {
        return std::make_shared<const Event>(remake ? remake(event) : event);
    };
    create_ = made(*room.events().front().event);
    state.for_each([&](const StateKey& key, const EventId& id) {
        entries_[key] = made(*room.find(id).event);
    });
}

JudgedBy JudgedBy::with(std::vector<Event> entries) const {
    JudgedBy changed = *this;
    for (Event& entry : entries) {
        const StateKey key = {entry.type, *entry.state_key};
        changed.entries_[key] = std::make_shared<const Event>(std::move(entry));
    }
    return changed;
}

const Event* JudgedBy::find(std::string_view type, std::string_view state_key) const {
    const auto entry = entries_.find({std::string(type), std::string(state_key)});
    return entry == entries_.end() ? nullptr : entry->second.get();
}

auth::AuthState JudgedBy::auth_state(const Event& event) const {
    auth::AuthState state;
    state.set(auth::Role::Create, create_.get());
    for (const auto& [role, type, state_key] : auth::required_state(event)) {
        const Event* entry = find(type, state_key);
        if (entry || role != auth::Role::Create) state.set(role, entry);
    }
    return state;
}

}  // namespace matrix::testing
