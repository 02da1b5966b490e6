// Rooms for the targets that compare two implementations.

#include "fuzz/judged_room.h"

#include <algorithm>

namespace matrix::fuzz {
namespace {

// Small: thousands of small rooms find more than a few large ones.
constexpr generators::RoomLimits kFuzzRoom = {.commands_max = 30};

const RoomRules& choose_rules(generators::Choices& choices) {
    std::vector<const RoomRules*> supported;
    for (const RoomRules& rules : all_room_rules()) {
        if (is_supported(rules)) supported.push_back(&rules);
    }
    return *choices.among(supported);
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
        events.push_back(json::Object{{"event_id", event.event->id.text()},
                                      {"is_rejected", event.is_rejected},
                                      {"pdu", event.event->parse_text()}});
    }
    return events;
}

json::Array describe_state(const State& state) {
    std::vector<std::string> ids;
    state.for_each([&](const StateKey&, const EventId& id) { ids.push_back(id.text()); });
    std::ranges::sort(ids);
    return {ids.begin(), ids.end()};
}

}  // namespace matrix::fuzz
