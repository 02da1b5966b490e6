#include "simulator/live/views.h"

#include "refserver/engine/rooms/rooms.h"
#include "simulator/timeline.h"

namespace matrix::live {
namespace {

using conformance::escape;
using conformance::string_at;

constexpr int kGapEventsMax = 2'000;  ///< Asked from the target, one by one.
constexpr int kPagesMax = 200;        ///< Of the target's /messages, 100 events each.

StateIds ids_of(const State& state) {
    StateIds ids;
    state.for_each([&](const StateKey& key, const EventId& event) {
        ids.insert_or_assign({key.type, key.state_key}, event);
    });
    return ids;
}

void take_event(const engine::Room& room, const engine::StoredEvent& stored, OurView& view) {
    OurEvent event;
    event.event = stored.event;
    event.status = stored.status;
    event.is_rejected = stored.is_rejected();
    event.rule = stored.rule;
    if (const auto state = room.state_before(stored.event->id)) event.state_before = ids_of(*state);
    view.events.insert_or_assign(stored.event->id, std::move(event));
}

// What is no part of the timeline, though the room has it: what was asked for, the current state,
// and what these and the timeline cite.
std::vector<EventId> list_besides(const engine::Room& room,
                                  const OurView& timeline,
                                  const std::vector<EventId>& wanted) {
    std::vector<EventId> list;
    for (const EventId& one : wanted) {
        if (room.find_event(one)) list.push_back(one);
    }
    for (const EventPtr& event : room.list_state())
        list.push_back(event->id);
    std::vector<EventId> citing = list;
    for (const auto& [id, event] : timeline.events)
        citing.push_back(id);
    for (const EventPtr& event : room.auth_chain(citing))
        list.push_back(event->id);
    return list;
}

std::optional<OurView> view_of(engine::Server& server,
                               const RoomId& id,
                               const std::vector<EventId>& wanted) {
    const auto found = server.rooms().find(id);
    if (!found) return std::nullopt;
    const engine::Room& room = **found;
    OurView view;
    view.state = ids_of(room.current_state());
    view.extremities = {room.extremities().begin(), room.extremities().end()};
    simulator::for_each_in_timeline(
        room, [&](const engine::StoredEvent& stored) { take_event(room, stored, view); });
    for (const EventId& one : list_besides(room, view, wanted)) {
        if (view.events.contains(one)) continue;
        if (const auto stored = room.find_event(one)) take_event(room, *stored, view);
    }
    return view;
}

// As the target gives it to a server; null if it does not.
EventPtr ask_for_event(Arena& arena, const LiveRoom& room, const EventId& id) {
    const Response answer = arena.witness().event(id);
    const Json& pdus = answer.at({"pdus"});
    if (!answer.is_ok() || !pdus.is_array() || pdus.empty() || !pdus.front().is_object()) {
        return nullptr;
    }
    auto event = parse_event(conformance::to_protocol_object(pdus.front()), *room.rules);
    return event && event->id == id ? std::make_shared<const Event>(*std::move(event)) : nullptr;
}

bool read_state(Arena& arena, const LiveRoom& room, TargetView& view) {
    const Response state = arena.call(arena.target_anchor(), "GET", path_of(room, "/state"));
    if (!state.is_ok() || !state.body.is_array()) return false;
    for (const Json& event : state.body) {
        view.state.insert_or_assign({string_at(event, {"type"}), string_at(event, {"state_key"})},
                                    EventId(string_at(event, {"event_id"})));
    }
    return true;
}

bool read_messages(Arena& arena, const LiveRoom& room, TargetView& view) {
    std::string from;
    for (int page = 0; page < kPagesMax; ++page) {
        std::string path = "/messages?dir=b&limit=100";
        if (!from.empty()) path += "&from=" + escape(from);
        const Response messages = arena.call(arena.target_anchor(), "GET", path_of(room, path));
        const Json& chunk = messages.at({"chunk"});
        if (!messages.is_ok() || !chunk.is_array()) return false;
        for (const Json& event : chunk)
            view.messages.insert(EventId(string_at(event, {"event_id"})));
        const std::string end = string_at(messages.body, {"end"});
        if (end.empty() || end == from) return true;
        from = end;
    }
    return true;
}

}  // namespace

std::optional<OurView> look_into(OurServers& ours,
                                 int server,
                                 const RoomId& room,
                                 std::vector<EventId> wanted) {
    return ours.ask<std::optional<OurView>>(
        server, [&](engine::Server& engine) { return view_of(engine, room, wanted); });
}

std::optional<std::set<EventId>> ask_extremities(Arena& arena, const LiveRoom& room) {
    const auto join = arena.witness().try_join_template(room.id, "newcomer");
    if (!join) return std::nullopt;
    const std::vector<EventId> prev_events = join->prev_events();
    return std::set<EventId>(prev_events.begin(), prev_events.end());
}

std::set<EventId> walk_history(Arena& arena,
                               const LiveRoom& room,
                               const std::vector<OurView>& ours) {
    std::map<EventId, EventPtr> known;
    std::vector<EventId> open;
    for (const OurView& view : ours) {
        for (const auto& [id, event] : view.events)
            known.emplace(id, event.event);
        open.insert(open.end(), view.extremities.begin(), view.extremities.end());
    }
    std::set<EventId> walked;
    int asked = 0;
    while (!open.empty()) {
        const EventId id = std::move(open.back());
        open.pop_back();
        if (!walked.insert(id).second) continue;
        auto event = known.find(id);
        if (event == known.end() && asked++ < kGapEventsMax) {
            if (EventPtr theirs = ask_for_event(arena, room, id))
                event = known.emplace(id, std::move(theirs)).first;
        }
        if (event == known.end()) continue;
        open.insert(
            open.end(), event->second->prev_events.begin(), event->second->prev_events.end());
    }
    return walked;
}

std::optional<TargetView> look_at_target(Arena& arena, const LiveRoom& room) {
    TargetView view;
    if (!read_state(arena, room, view) || !read_messages(arena, room, view)) return std::nullopt;
    const auto extremities = ask_extremities(arena, room);
    if (!extremities) return std::nullopt;
    view.extremities = *extremities;
    return view;
}

}  // namespace matrix::live
