#include "refserver/engine/rooms/room_description.h"

namespace matrix::engine {
namespace {

json::Value content_of(const Room& room, std::string_view type) {
    const EventPtr event = room.find_state(type, "");
    return event ? json::Value(event->parse_content()) : json::Value(json::Object());
}

// A text of a room's state; empty if it is not there or no text.
std::string text_in(const Room& room, std::string_view type, std::string_view field) {
    const json::Value content = content_of(room, type);
    const std::string* text = content.find_string(field);
    return text ? *text : std::string();
}

// The plain form among the topic's representations, if it has such; else the old `topic`.
std::string plain_topic(const Room& room) {
    const json::Value content = content_of(room, "m.room.topic");
    const json::Value* block = content.find("m.topic");
    const json::Array* forms = block ? block->find_array("m.text") : nullptr;
    for (const json::Value& form : forms ? *forms : json::Array()) {
        const std::string* type = form.find_string("mimetype");
        const std::string* body = form.find_string("body");
        if (body && (!type || *type == "text/plain")) return *body;
    }
    const std::string* topic = content.find_string("topic");
    return topic ? *topic : std::string();
}

void set_unless_empty(json::Object& object, std::string_view key, std::string value) {
    if (!value.empty()) object.set(key, std::move(value));
}

}  // namespace

std::string room_type(const Room& room) {
    return text_in(room, "m.room.create", "type");
}

bool is_world_readable(const Room& room) {
    return text_in(room, "m.room.history_visibility", "history_visibility") == "world_readable";
}

bool is_restricted(const Room& room) {
    const EventPtr rules_event = room.find_state("m.room.join_rules", "");
    const auto* content = rules_event ? rules_event->find_content<JoinRulesContent>() : nullptr;
    if (!content) return false;
    const RoomRules& rules = room.rules();
    return (rules.has_restricted && content->join_rule == JoinRule::Restricted) ||
           (rules.has_knock_restricted && content->join_rule == JoinRule::KnockRestricted);
}

std::vector<RoomId> list_allowed_rooms(const Room& room) {
    std::vector<RoomId> rooms;
    const json::Value content = content_of(room, "m.room.join_rules");
    const json::Array* conditions = content.find_array("allow");
    for (const json::Value& condition : conditions ? *conditions : json::Array()) {
        const std::string* type = condition.find_string("type");
        const std::string* id = condition.find_string("room_id");
        if (!type || *type != "m.room_membership" || !id) continue;
        if (auto parsed = parse_room_id(*id)) rooms.push_back(*std::move(parsed));
    }
    return rooms;
}

json::Object describe_room(const Room& room) {
    const bool admits_guests = text_in(room, "m.room.guest_access", "guest_access") == "can_join";
    json::Object entry{{"room_id", room.id().text()},
                       {"num_joined_members", room.count_joined()},
                       {"world_readable", is_world_readable(room)},
                       {"guest_can_join", admits_guests}};
    set_unless_empty(entry, "name", text_in(room, "m.room.name", "name"));
    set_unless_empty(entry, "topic", plain_topic(room));
    set_unless_empty(entry, "avatar_url", text_in(room, "m.room.avatar", "url"));
    set_unless_empty(entry, "canonical_alias", text_in(room, "m.room.canonical_alias", "alias"));
    set_unless_empty(entry, "join_rule", text_in(room, "m.room.join_rules", "join_rule"));
    set_unless_empty(entry, "room_type", room_type(room));
    return entry;
}

json::Object describe_room_of_hierarchy(const Room& room) {
    json::Object entry = describe_room(room);
    set_unless_empty(entry, "encryption", text_in(room, "m.room.encryption", "algorithm"));
    entry.set("room_version", room.rules().version);
    if (!is_restricted(room)) return entry;
    json::Array allowed;
    for (const RoomId& id : list_allowed_rooms(room))
        allowed.emplace_back(id.text());
    entry.set("allowed_room_ids", std::move(allowed));
    return entry;
}

}  // namespace matrix::engine
