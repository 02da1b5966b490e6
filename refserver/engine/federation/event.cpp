// GET /_matrix/federation/v1/event: one event.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#retrieving-events

#include "refserver/base/result_macros.h"
#include "refserver/engine/federation_server.h"
#include "refserver/storage/event_store.h"

namespace matrix::engine {

Task<Result<Reply>> FederationServer::get_event(Request request) {
    ASSIGN_OR_CO_RETURN(const EventId id, require_event_id(request.path[0], "eventId"));
    const StoredEventPtr stored = services_.events.find(id);
    // Events of rooms that are none of the origin's business do not exist for it.
    const auto room = stored
                          ? find_room_to_read(request.origin, stored->event->room_id.view(), {id})
                          : Result<RoomPtr>(not_found(""));
    if (!room || stored->is_rejected()) co_return not_found("there is no such event");
    co_return transaction_of({shown_to(request.origin, **room, *stored)});
}

}  // namespace matrix::engine
