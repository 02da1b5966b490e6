// What the endpoints of the server-server API share: who may ask about which room, and see what.

#include "refserver/engine/federation_server.h"

#include "refserver/base/result_macros.h"
#include "refserver/engine/federation/event_lists.h"
#include "refserver/engine/rooms/server_view.h"
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

// UNSPECIFIED: a server that was put out of the room may still ask about events from its time in
// it. Otherwise one that missed what came before its own ban can neither place nor apply the ban,
// holds itself to be in the room, and is told nothing any more.
Task<Result<RoomPtr>> FederationServer::find_room_to_read(ServerName origin,
                                                          std::string room_id,
                                                          std::vector<EventId> at) const {
    ASSIGN_OR_CO_RETURN(const RoomId id, require_room_id(room_id, "roomId"));
    const Result<RoomPtr> room = services_.rooms.find(id);
    // A stranger does not learn which rooms exist.
    const auto refused = forbidden("your server is not in the room, or its server_acl denies it");
    if (!room || !(*room)->is_server_allowed(origin)) co_return refused;
    if ((*room)->is_server_joined(origin)) co_return room;
    ServerView view(*room, origin);
    for (const EventId& event : at) {
        if (!co_await view.was_joined_before(event)) co_return refused;
    }
    if (at.empty()) co_return refused;
    co_return room;
}

Task<std::vector<EventPtr>> FederationServer::list_shown(RoomPtr room,
                                                         ServerName server,
                                                         std::vector<StoredEvent> events) const {
    ServerView view(room, server);
    std::vector<EventPtr> shown;
    for (const StoredEvent& stored : events) {
        if (stored.is_rejected()) continue;
        // What came without its place came as state, or to authorize: /state shows it to every
        // server in the room, whatever the history visibility.
        const bool is_bare_state = !stored.is_placed() && stored.event->is_state();
        const bool is_shown = is_bare_state || co_await view.may_see(stored);
        shown.push_back(is_shown ? stored.event
                                 : std::make_shared<const Event>(redact(*stored.event)));
    }
    co_return shown;
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
