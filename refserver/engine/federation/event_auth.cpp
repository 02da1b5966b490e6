// GET /_matrix/federation/v1/event_auth: the auth chain of an event.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#retrieving-event-authorisation-information

#include "refserver/base/result_macros.h"
#include "refserver/engine/federation/event_lists.h"
#include "refserver/engine/federation_server.h"

namespace matrix::engine {

Task<Result<Reply>> FederationServer::get_event_auth(Request request) {
    ASSIGN_OR_CO_RETURN(const EventId id, require_event_id(request.path[1], "eventId"));
    std::vector<EventId> ids(1, id);
    ASSIGN_OR_CO_RETURN(const RoomPtr room,
                        co_await find_room_to_read(request.origin, request.path[0], ids));
    // An event of another room is as unknown as one that does not exist.
    const auto stored = room->find_event(id);
    if (!stored) co_return not_found("there is no such event in the room");
    const std::vector<EventPtr> chain =
        co_await room->gather_auth_chain(std::vector<EventPtr>(1, stored->event));
    Reply reply;
    reply.written_body = "{\"auth_chain\":";
    write_events_to(reply.written_body, chain);
    reply.written_body += '}';
    co_return reply;
}

}  // namespace matrix::engine
