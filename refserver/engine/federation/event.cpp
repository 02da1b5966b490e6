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
    const auto none = not_found("there is no such event");
    if (!stored || stored->is_rejected()) co_return none;
    const auto room = co_await find_room_to_read(
        request.origin, stored->event->room_id.text(), std::vector<EventId>(1, id));
    if (!room) co_return none;
    co_return transaction_of(
        co_await list_shown(*room, request.origin, std::vector<StoredEvent>(1, *stored)));
}

}  // namespace matrix::engine
