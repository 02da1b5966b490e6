// GET /_matrix/federation/v1/state and state_ids: the state of a room before one of its events.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#retrieving-events

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/federation/event_lists.h"
#include "refserver/engine/federation_server.h"

namespace matrix::engine {
namespace {

struct StateAt {
    std::vector<EventPtr> state;
    std::vector<EventPtr> auth_chain;
};

Result<std::vector<EventId>> take_event_id(const Request& request) {
    const std::string* text = request.find_query("event_id");
    if (!text) return missing_param("event_id: the parameter is required");
    ASSIGN_OR_RETURN(EventId id, require_event_id(*text, "event_id"));
    return std::vector<EventId>(1, std::move(id));
}

// An event of another room is as unknown as one that does not exist.
Task<Result<StateAt>> find_state_at(EventId id, RoomPtr room) {
    if (!room->find_event(id)) co_return not_found("there is no such event in the room");
    const std::optional<State> state = room->state_before(id);
    if (!state) {
        SIM_SOMETIMES("a state is asked for that we do not know");
        co_return not_found("the state at that event is not known");
    }
    std::vector<EventId> ids = co_await room->gather_ids(*state);
    StateAt at;
    at.state = co_await room->gather_events(std::move(ids));
    at.auth_chain = co_await room->gather_auth_chain(at.state);
    co_return at;
}

}  // namespace

Task<Result<Reply>> FederationServer::get_state(Request request) {
    SIM_SOMETIMES("a state is asked for as a whole");
    ASSIGN_OR_CO_RETURN(const std::vector<EventId> ids, take_event_id(request));
    ASSIGN_OR_CO_RETURN(const RoomPtr room,
                        co_await find_room_to_read(request.origin, request.path[0], ids));
    ASSIGN_OR_CO_RETURN(const StateAt at, co_await find_state_at(ids.front(), room));
    Reply reply;
    reply.written_body = "{\"auth_chain\":";
    write_events_to(reply.written_body, at.auth_chain);
    reply.written_body += ",\"pdus\":";
    write_events_to(reply.written_body, at.state);
    reply.written_body += '}';
    co_return reply;
}

Task<Result<Reply>> FederationServer::get_state_ids(Request request) {
    SIM_SOMETIMES("a state is asked for by its ids");
    ASSIGN_OR_CO_RETURN(const std::vector<EventId> ids, take_event_id(request));
    ASSIGN_OR_CO_RETURN(const RoomPtr room,
                        co_await find_room_to_read(request.origin, request.path[0], ids));
    ASSIGN_OR_CO_RETURN(const StateAt at, co_await find_state_at(ids.front(), room));
    Reply reply;
    reply.written_body = "{\"auth_chain_ids\":";
    write_event_ids_to(reply.written_body, at.auth_chain);
    reply.written_body += ",\"pdu_ids\":";
    write_event_ids_to(reply.written_body, at.state);
    reply.written_body += '}';
    co_return reply;
}

}  // namespace matrix::engine
