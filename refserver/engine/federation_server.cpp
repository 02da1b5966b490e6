// What the endpoints of the server-server API share: who may ask about which room, and see what.

#include "refserver/engine/federation_server.h"

#include <algorithm>

#include "refserver/base/result_macros.h"
#include "refserver/engine/federation/event_lists.h"
#include "refserver/protocol/redaction.h"
#include "refserver/runtime/clock.h"

namespace matrix::engine {

Result<RoomPtr> FederationServer::find_resident_room(const ServerName& origin,
                                                     std::string_view room_id) const {
    ASSIGN_OR_RETURN(const RoomId id, require_room_id(room_id, "roomId"));
    const Result<RoomPtr> room = services_.rooms.find(id);
    if (!room || !(*room)->is_server_joined(services_.server_name)) {
        return not_found("this server is not in the room");
    }
    if (!(*room)->is_server_allowed(origin)) {
        return forbidden("the room's server_acl denies " + origin.text());
    }
    return *room;
}

namespace {

bool was_joined_before_each(const Room& room,
                            const ServerName& server,
                            const std::vector<EventId>& events) {
    return !events.empty() && std::ranges::all_of(events, [&](const EventId& event) {
        return room.was_server_joined_before(server, event);
    });
}

}  // namespace

// UNSPECIFIED: a server that was put out of the room may still ask about events from its time in
// it. Otherwise one that missed what came before its own ban can neither place nor apply the ban,
// holds itself to be in the room, and is told nothing any more.
Result<RoomPtr> FederationServer::find_room_to_read(const ServerName& origin,
                                                    std::string_view room_id,
                                                    const std::vector<EventId>& at) const {
    ASSIGN_OR_RETURN(const RoomId id, require_room_id(room_id, "roomId"));
    const Result<RoomPtr> room = services_.rooms.find(id);
    // A stranger does not learn which rooms exist.
    const bool may_read =
        room && (*room)->is_server_allowed(origin) &&
        ((*room)->is_server_joined(origin) || was_joined_before_each(**room, origin, at));
    if (!may_read) {
        return forbidden("your server is not in the room, or its server_acl denies it");
    }
    return *room;
}

EventPtr FederationServer::shown_to(const ServerName& origin,
                                    const Room& room,
                                    const StoredEvent& event) const {
    // What came without its place came as state, or to authorize: /state shows it to every server
    // in the room, whatever the history visibility.
    const bool is_bare_state = !event.is_placed() && event.event->is_state();
    if (is_bare_state || room.may_server_see(origin, event)) return event.event;
    return std::make_shared<const Event>(redact(*event.event));
}

Reply FederationServer::transaction_of(const std::vector<EventPtr>& events) const {
    Reply reply;
    reply.written_body = "{\"origin\":";
    json::write_string_to(reply.written_body, services_.server_name.view());
    reply.written_body +=
        ",\"origin_server_ts\":" + std::to_string(services_.clock.now().value) + ",\"pdus\":";
    write_events_to(reply.written_body, events);
    reply.written_body += '}';
    return reply;
}

}  // namespace matrix::engine
