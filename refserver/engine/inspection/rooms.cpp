// GET /_refserver/rooms/...: a room's graph, its states, and why an event was refused.

#include <algorithm>
#include <limits>
#include <set>
#include <sstream>
#include <utility>

#include "refserver/base/result_macros.h"
#include "refserver/engine/inspection_server.h"
#include "refserver/storage/event_store.h"
#include "refserver/storage/survey.h"

namespace matrix::engine {
namespace {

// In one turn of the loop: events may have to be read and parsed.
constexpr std::size_t kNodesPerTurn = 64;
constexpr std::size_t kListedRowsPerTurn = 100;

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

Result<std::size_t> InspectionServer::limit_of(const Request& request) {
    ASSIGN_OR_RETURN(const std::int64_t asked, request.integer_query("limit", 100, 1));
    return static_cast<std::size_t>(std::min(asked, kInspectedEventsMax));
}

Result<InspectionServer::Page> InspectionServer::page_of(const Request& request) {
    ASSIGN_OR_RETURN(const std::size_t limit, limit_of(request));
    ASSIGN_OR_RETURN(const std::int64_t from, request.integer_query("from", 0, 0));
    return Page{static_cast<std::size_t>(from), limit};
}

// Pages are of rooms in the order of ids: `from` is the last one of the page before.
Task<Result<Reply>> InspectionServer::list_rooms(Request request) {
    ASSIGN_OR_CO_RETURN(const std::size_t limit, limit_of(request));
    const std::string* from = request.find_query("from");
    std::string last = from ? *from : std::string();
    storage::Survey survey(services_.turns);
    json::Array rooms;
    bool is_end = false;
    while (!is_end && rooms.size() < limit) {
        const std::size_t slice = std::min(limit - rooms.size(), kListedRowsPerTurn);
        const auto entries = survey.list_rooms(last, slice);
        is_end = entries.size() < slice;
        for (const auto& entry : entries) {
            last = entry.id.text();
            rooms.push_back(json::Object{{"room_id", last},
                                         {"version", entry.version},
                                         {"joined", entry.joined},
                                         {"extremities", entry.extremities}});
        }
        co_await end_turn();
    }
    json::Object body{{"rooms", std::move(rooms)}};
    if (!is_end && !survey.list_rooms(last, 1).empty()) body.set("next", last);
    Reply reply;
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

// As `Room::preceding` gives them, some in each turn.
Task<std::vector<EventPtr>> InspectionServer::walk_back(RoomPtr room,
                                                        std::vector<EventId> from,
                                                        std::size_t limit) {
    std::vector<EventPtr> events;
    std::set<EventId> listed;
    while (!from.empty() && events.size() < limit) {
        std::set<EventId> before;
        const std::size_t slice = std::min(limit - events.size(), kNodesPerTurn);
        for (EventPtr& event : room->preceding(from, slice)) {
            if (!listed.insert(event->id).second) continue;
            before.insert(event->prev_events.begin(), event->prev_events.end());
            events.push_back(std::move(event));
        }
        // What was asked for and did not fit stays to be asked for.
        before.insert(from.begin(), from.end());
        std::erase_if(before, [&](const EventId& id) {
            if (listed.contains(id)) return true;
            const auto stored = room->find_event(id);
            return !stored || !stored->is_placed();
        });
        from.assign(before.begin(), before.end());
        co_await end_turn();
    }
    co_return events;
}

// From the events of `from` (repeated), or the forward extremities, backwards; `next` is what the
// next page begins with.
Task<Result<Reply>> InspectionServer::get_graph(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomPtr room, find_room(request));
    ASSIGN_OR_CO_RETURN(const std::size_t limit, limit_of(request));
    std::vector<EventId> from;
    const auto [first, last] = request.query.equal_range("from");
    for (auto entry = first; entry != last; ++entry)
        from.emplace_back(entry->second);
    if (from.size() > kInspectedFromMax) {
        co_return invalid_param("from: expected at most " + std::to_string(kInspectedFromMax));
    }
    if (from.empty()) from = room->extremities();

    const std::vector<EventPtr> events = co_await walk_back(room, from, limit);
    std::set<EventId> listed;
    std::set<EventId> before(from.begin(), from.end());
    json::Array nodes;
    for (const EventPtr& event : events) {
        listed.insert(event->id);
        before.insert(event->prev_events.begin(), event->prev_events.end());
        if (const auto stored = room->find_event(event->id))
            nodes.push_back(describe_node(*stored));
        if (nodes.size() % kNodesPerTurn == 0) co_await end_turn();
    }
    json::Array next;
    json::Array missing;
    std::size_t looked_up = 0;
    for (const EventId& id : before) {
        if (listed.contains(id)) continue;
        if (++looked_up % kListedRowsPerTurn == 0) co_await end_turn();
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

// Node by node, so that a large state is not read in one turn, and none of it stays in memory: in
// the order of the tree, in which the entries of one type are together.
Task<Result<json::Object>> InspectionServer::read_state(State::Hash root, Page page) {
    storage::Survey survey(services_.turns);
    std::vector<State::Hash> pending;
    if (root != State().root()) pending.push_back(root);
    json::Array entries;
    std::size_t passed = 0;
    bool has_more = false;
    for (std::size_t nodes = 1; !pending.empty() && !has_more; ++nodes) {
        const State::Hash hash = pending.back();
        pending.pop_back();
        const auto bytes = survey.find_node(hash);
        const auto children = bytes ? State::list_children(*bytes) : std::nullopt;
        if (!children) co_return internal_error("a node of the state is missing or damaged");
        pending.insert(pending.end(), children->rbegin(), children->rend());
        if (!children->empty()) continue;
        const auto leaf = State::load(hash, [&](const State::Hash&) { return bytes; });
        if (!leaf) co_return internal_error("a node of the state is damaged");
        leaf->for_each([&](const StateKey& key, const EventId& id) {
            if (passed++ < page.from) return;
            has_more = entries.size() == page.limit;
            if (has_more) return;
            entries.push_back(json::Object{
                {"type", key.type}, {"state_key", key.state_key}, {"event_id", id.text()}});
        });
        if (nodes % kListedRowsPerTurn == 0) co_await end_turn();
    }
    json::Object body{{"state", std::move(entries)}};
    if (has_more) body.set("next", std::to_string(page.from + page.limit));
    co_return body;
}

// `when` is before or after.
Task<Result<Reply>> InspectionServer::get_state(Request request) {
    ASSIGN_OR_CO_RETURN(const Place place, find_event(request));
    const std::string* when = request.find_query("when");
    if (when && *when != "before" && *when != "after") {
        co_return invalid_param("when: expected before or after");
    }
    const bool is_after = when && *when == "after";
    const auto& root = is_after ? place.stored.state_after : place.stored.state_before;
    if (!root) co_return not_found("the event is an outlier: no state is known there");
    ASSIGN_OR_CO_RETURN(const Page page, page_of(request));
    ASSIGN_OR_CO_RETURN(json::Object body, co_await read_state(*root, page));
    body.set("event_id", place.stored.event->id.text());
    Reply reply;
    reply.body = std::move(body);
    co_return reply;
}

Task<json::Object> InspectionServer::describe_page(RoomPtr room,
                                                   std::vector<EventPtr> events,
                                                   Page page) {
    json::Array nodes;
    std::size_t at = std::min(page.from, events.size());
    const std::size_t end = std::min(at + page.limit, events.size());
    for (; at < end; ++at) {
        if (const auto stored = room->find_event(events[at]->id))
            nodes.push_back(describe_node(*stored));
        if (at % kNodesPerTurn == 0) co_await end_turn();
    }
    json::Object body{{"auth_chain", std::move(nodes)}};
    if (end < events.size()) body.set("next", std::to_string(end));
    co_return body;
}

Task<Result<Reply>> InspectionServer::get_auth_chain(Request request) {
    ASSIGN_OR_CO_RETURN(const Place place, find_event(request));
    ASSIGN_OR_CO_RETURN(const Page page, page_of(request));
    std::vector<EventPtr> citing(1, place.stored.event);
    std::vector<EventPtr> chain = co_await place.room->gather_auth_chain(std::move(citing));
    Reply reply;
    reply.body = co_await describe_page(place.room, std::move(chain), page);
    co_return reply;
}

namespace {

json::Object describe_dropped(const DroppedEvent& dropped) {
    json::Object object{{"server", dropped.server.text()},
                        {"dropped_ts", dropped.dropped_ts},
                        {"detail", dropped.why}};
    if (dropped.event) object.set("event_id", dropped.event->text());
    return object;
}

}  // namespace

// `from` is the number that the page before gave as `next`: what is refused meanwhile does not move
// the pages. Of the dropped ones, which have no place in the database, all go with the first page.
Task<Result<Reply>> InspectionServer::list_refused(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomPtr room, find_room(request));
    ASSIGN_OR_CO_RETURN(const std::size_t limit, limit_of(request));
    constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();
    ASSIGN_OR_CO_RETURN(const std::int64_t from, request.integer_query("from", kEnd, 1));
    storage::Survey survey(services_.turns);
    json::Array refused;
    std::int64_t next = from;
    bool is_end = false;
    while (!is_end && refused.size() < limit) {
        const std::size_t slice = std::min(limit - refused.size(), kNodesPerTurn);
        const auto events = survey.list_refused(room->id(), next, slice);
        is_end = events.size() < slice;
        for (const auto& event : events) {
            next = event.number;
            if (const auto stored = room->find_event(event.id))
                refused.push_back(describe_node(*stored));
        }
        co_await end_turn();
    }
    json::Object body{{"refused", std::move(refused)}};
    if (!is_end && !survey.list_refused(room->id(), next, 1).empty()) {
        body.set("next", std::to_string(next));
    }
    if (from == kEnd) {
        json::Array dropped;
        for (const DroppedEvent& event : services_.rooms.dropped().list(room->id()))
            dropped.push_back(describe_dropped(event));
        body.set("dropped", std::move(dropped));
    }
    Reply reply;
    reply.body = std::move(body);
    co_return reply;
}

}  // namespace matrix::engine
