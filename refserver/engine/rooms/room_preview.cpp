#include "refserver/engine/rooms/room_preview.h"

#include <array>

namespace matrix::engine {
namespace {

constexpr std::array<std::string_view, 7> kPreviewTypes = {"m.room.create",
                                                           "m.room.join_rules",
                                                           "m.room.name",
                                                           "m.room.topic",
                                                           "m.room.avatar",
                                                           "m.room.canonical_alias",
                                                           "m.room.encryption"};

}  // namespace

std::vector<EventPtr> list_preview_events(const Room& room, const State& state) {
    std::vector<EventPtr> events;
    for (const std::string_view type : kPreviewTypes) {
        const EventId* id = state.find(type, "");
        const auto stored = id ? room.find_event(*id) : nullptr;
        if (stored) events.push_back(stored->event);
    }
    return events;
}

json::Array make_preview_state(const Room& room, const std::optional<UserId>& inviter) {
    json::Array events;
    for (const EventPtr& event : list_preview_events(room, room.current_state()))
        events.emplace_back(event->parse_text());
    const EventPtr member = inviter ? room.find_state("m.room.member", inviter->view()) : nullptr;
    if (member) events.emplace_back(member->parse_text());
    return events;
}

json::Object stripped_form(const Event& event) {
    return {{"type", event.type},
            {"state_key", event.state_key.value_or("")},
            {"sender", event.sender.text()},
            {"content", event.parse_content()}};
}

}  // namespace matrix::engine
