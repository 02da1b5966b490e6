// Rooms for the targets that compare two implementations.

#include "fuzz/judged_room.h"

#include <algorithm>

namespace matrix::fuzz {
namespace {

// Small and without hashes: thousands of small rooms find more than a few large ones.
constexpr generators::RoomLimits kFuzzRoom = {.commands_max = 30,
                                              .realism = generators::Realism::Abstract};

const RoomRules& choose_rules(generators::Choices& choices) {
    const auto versions = all_room_rules();
    return versions[choices.below(versions.size())];
}

json::Array describe_ids(const std::vector<EventId>& ids) {
    json::Array texts;
    for (const EventId& id : ids)
        texts.emplace_back(id.text());
    return texts;
}

}  // namespace

JudgedRoom::JudgedRoom(generators::Choices& choices)
    : room(generators::make_room(choices, choose_rules(choices), kFuzzRoom)),
      literal(room.rules()) {
    for (const generators::RoomEvent& event : room.events()) {
        literal.add(event.event,
                    event.is_rejected ? oracle::Standing::Rejected : oracle::Standing::Accepted);
    }
}

json::Array JudgedRoom::describe_events() const {
    json::Array events;
    for (const generators::RoomEvent& event : room.events()) {
        json::Object described = describe_event(*event.event);
        if (event.is_rejected) described.set("rejected", true);
        events.push_back(std::move(described));
    }
    return events;
}

json::Object describe_event(const Event& event) {
    json::Object described = event.parse_text();
    described.set("event_id", event.id.text());
    described.set("auth_events", describe_ids(event.auth_events));
    described.set("prev_events", describe_ids(event.prev_events));
    return described;
}

json::Array describe_state(const State& state) {
    std::vector<EventId> ids;
    state.for_each([&](const StateKey&, const EventId& id) { ids.push_back(id); });
    std::ranges::sort(ids);
    return describe_ids(ids);
}

}  // namespace matrix::fuzz
