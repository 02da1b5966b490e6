// GET /_refserver/rooms/...: a room's graph, its states, and why an event was refused.

#include <set>
#include <sstream>
#include <utility>

#include "refserver/base/result_macros.h"
#include "refserver/engine/inspection_server.h"
#include "refserver/storage/event_store.h"

namespace matrix::engine {
namespace {

json::Array text_array(const std::vector<EventId>& ids) {
    json::Array array;
    for (const EventId& id : ids)
        array.emplace_back(id.text());
    return array;
}

std::string status_text(EventStatus status) {
    std::ostringstream text;
    text << status;
    return text.str();
}

/// A node of the graph.
json::Object describe_node(const StoredEvent& stored) {
    const Event& event = *stored.event;
    json::Object object{{"event_id", event.id.text()},
                        {"type", event.type},
                        {"sender", event.sender.text()},
                        {"depth", event.depth},
                        {"origin_server_ts", event.origin_server_ts},
                        {"prev_events", text_array(event.prev_events)},
                        {"auth_events", text_array(event.auth_events)},
                        {"status", status_text(stored.status)},
                        {"position", stored.position.value}};
    if (event.state_key) object.set("state_key", *event.state_key);
    if (stored.is_rejected_outlier) object.set("is_rejected_outlier", true);
    if (!stored.rule.empty()) {
        object.set("rule", stored.rule);
        object.set("detail", stored.detail);
    }
    if (stored.redacted_by) object.set("redacted_by", stored.redacted_by->text());
    return object;
}

}  // namespace

Result<RoomPtr> InspectionServer::find_room(const Request& request) {
    ASSIGN_OR_RETURN(const RoomId id, require_room_id(request.path[0], "roomId"));
    return services_.rooms.find(id);
}

Result<InspectionServer::Place> InspectionServer::find_event(const Request& request) {
    ASSIGN_OR_RETURN(RoomPtr room, find_room(request));
    ASSIGN_OR_RETURN(const EventId id, require_event_id(request.path[1], "eventId"));
    auto stored = room->find_event(id);
    if (!stored) return not_found("there is no such event in the room");
    return Place{std::move(room), *std::move(stored)};
}

// Pages are of rooms in the order of ids: `from` is the last one of the page before.
Task<Result<Reply>> InspectionServer::list_rooms(Request request) {
    ASSIGN_OR_CO_RETURN(const std::int64_t asked, request.integer_query("limit", 100, 1));
    const auto limit = static_cast<std::size_t>(std::min(asked, kInspectedEventsMax));
    const std::string* from = request.find_query("from");
    json::Array rooms;
    Reply reply;
    json::Object body;
    for (const RoomId& id : services_.rooms.list()) {
        if (from && id.view() <= *from) continue;
        if (rooms.size() == limit) {
            body.set("next", *rooms.back().find_string("room_id"));
            break;
        }
        const auto room = services_.rooms.find(id);
        if (!room) continue;
        rooms.push_back(json::Object{
            {"room_id", id.text()},
            {"version", (*room)->rules().version},
            {"joined", (*room)->count_joined()},
            {"extremities", static_cast<std::int64_t>((*room)->extremities().size())}});
    }
    body.set("rooms", std::move(rooms));
    reply.body = std::move(body);
    co_return reply;
}

Task<Result<Reply>> InspectionServer::get_room(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomPtr room, find_room(request));
    json::Array servers;
    for (const ServerName& server : room->servers())
        servers.emplace_back(server.text());
    Reply reply;
    reply.body =
        json::Object{{"room_id", room->id().text()},
                     {"version", room->rules().version},
                     {"joined", room->count_joined()},
                     {"servers", std::move(servers)},
                     {"extremities", text_array(room->extremities())},
                     {"state_events", static_cast<std::int64_t>(room->current_state().size())}};
    co_return reply;
}

// From the events of `from` (repeated), or the forward extremities, backwards; `next` is what the
// next page begins with.
Task<Result<Reply>> InspectionServer::get_graph(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomPtr room, find_room(request));
    ASSIGN_OR_CO_RETURN(const std::int64_t asked, request.integer_query("limit", 100, 1));
    std::vector<EventId> from;
    const auto [first, last] = request.query.equal_range("from");
    for (auto entry = first; entry != last; ++entry)
        from.emplace_back(entry->second);
    if (from.empty()) from = room->extremities();

    const auto limit = static_cast<std::size_t>(std::min(asked, kInspectedEventsMax));
    json::Array nodes;
    std::set<EventId> listed;
    std::set<EventId> before;
    for (const EventPtr& event : room->preceding(from, limit)) {
        listed.insert(event->id);
        before.insert(event->prev_events.begin(), event->prev_events.end());
        if (const auto stored = room->find_event(event->id))
            nodes.push_back(describe_node(*stored));
    }
    json::Array next;
    json::Array missing;
    for (const EventId& id : before) {
        if (listed.contains(id)) continue;
        const auto stored = room->find_event(id);
        (stored && stored->is_placed() ? next : missing).emplace_back(id.text());
    }
    Reply reply;
    reply.body = json::Object{
        {"events", std::move(nodes)}, {"next", std::move(next)}, {"missing", std::move(missing)}};
    co_return reply;
}

namespace {

/// One of the checks on receipt, made again, with the events that it looks at.
json::Object describe_check(std::string_view name,
                            const auth::Verdict& verdict,
                            json::Array inputs) {
    json::Object object{{"check", name},
                        {"is_allowed", verdict.has_value()},
                        {"rule", verdict ? verdict->rule : verdict.error().rule},
                        {"inputs", std::move(inputs)}};
    if (!verdict) object.set("detail", auth::describe(verdict.error()));
    return object;
}

json::Object describe_input(const EventId& id, const auth::CitedEvent& cited) {
    json::Object object{{"event_id", id.text()}, {"is_known", cited.event != nullptr}};
    if (!cited.event) return object;
    object.set("type", cited.event->type);
    if (cited.event->state_key) object.set("state_key", *cited.event->state_key);
    object.set("is_rejected", cited.is_rejected);
    object.set("content", cited.event->parse_content());
    return object;
}

json::Object describe_state_check(std::string_view name,
                                  const Event& event,
                                  const State& state,
                                  const CheckContext& context) {
    json::Array inputs;
    for (const auto& [role, type, state_key] : auth::required_state(event)) {
        std::ostringstream role_text;
        role_text << role;
        json::Object input{{"type", type}, {"state_key", state_key}, {"is_known", false}};
        if (const EventId* id = state.find(type, state_key)) {
            input = describe_input(*id, context.find_event(*id));
        }
        input.set("role", role_text.str());
        inputs.push_back(std::move(input));
    }
    return describe_check(name, check_by_state(event, state, context), std::move(inputs));
}

}  // namespace

// The checks are made again, on what is known now: of the current state at the time of receipt
// only the verdict is stored, as `rule` and `detail` of the event.
json::Object InspectionServer::explain(const Room& room, const StoredEvent& stored) {
    const Event& event = *stored.event;
    const CheckContext context{room.find_state("m.room.create", ""),
                               [this](const EventId& id) {
                                   const auto known = services_.events.find(id);
                                   return known
                                              ? auth::CitedEvent{known->event, known->is_rejected()}
                                              : auth::CitedEvent{};
                               },
                               services_.verifier};
    json::Array inputs;
    for (const EventId& id : event.auth_events)
        inputs.push_back(describe_input(id, context.find_event(id)));
    json::Array checks;
    checks.push_back(
        describe_check("auth_events", check_by_auth_events(event, context), std::move(inputs)));
    if (const auto before = room.state_before(event.id)) {
        checks.push_back(describe_state_check("state_before", event, *before, context));
        checks.push_back(
            describe_state_check("current_state_now", event, room.current_state(), context));
    }
    json::Object object = describe_node(stored);
    object.set("checks_now", std::move(checks));
    object.set("pdu", event.parse_text());
    return object;
}

Task<Result<Reply>> InspectionServer::get_event(Request request) {
    ASSIGN_OR_CO_RETURN(const Place place, find_event(request));
    Reply reply;
    reply.body = explain(*place.room, place.stored);
    co_return reply;
}

// `when` is before or after.
Task<Result<Reply>> InspectionServer::get_state(Request request) {
    ASSIGN_OR_CO_RETURN(const Place place, find_event(request));
    const std::string* when = request.find_query("when");
    if (when && *when != "before" && *when != "after") {
        co_return invalid_param("when: expected before or after");
    }
    const EventId& id = place.stored.event->id;
    const bool is_after = when && *when == "after";
    const auto state = is_after ? place.room->state_after(id) : place.room->state_before(id);
    if (!state) co_return not_found("the event is an outlier: no state is known there");
    json::Array entries;
    state->for_each([&](const StateKey& key, const EventId& event_id) {
        entries.push_back(json::Object{
            {"type", key.type}, {"state_key", key.state_key}, {"event_id", event_id.text()}});
    });
    Reply reply;
    reply.body = json::Object{{"event_id", id.text()}, {"state", std::move(entries)}};
    co_return reply;
}

Task<Result<Reply>> InspectionServer::get_auth_chain(Request request) {
    ASSIGN_OR_CO_RETURN(const Place place, find_event(request));
    json::Array chain;
    const std::vector<EventId> ids(1, place.stored.event->id);
    for (const EventPtr& event : place.room->auth_chain(ids)) {
        if (const auto stored = place.room->find_event(event->id)) {
            chain.push_back(describe_node(*stored));
        }
    }
    Reply reply;
    reply.body = json::Object{{"auth_chain", std::move(chain)}};
    co_return reply;
}

}  // namespace matrix::engine
