// PUT /_matrix/federation/v2/send_join: a remote server brings the join that it has signed.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#joining-rooms

#include "refserver/base/result_macros.h"
#include "refserver/engine/federation/event_lists.h"
#include "refserver/engine/federation_server.h"

namespace matrix::engine {
namespace {

// "All events in the auth chain for the new join event, as well as those in the auth chains for
// any events returned in state."
std::vector<EventPtr> chain_of(const Room& room,
                               const Event& join,
                               const std::vector<EventPtr>& state) {
    std::vector<EventId> ids = ids_of(state);
    ids.push_back(join.id);
    return room.auth_chain(ids);
}

// UNIMPLEMENTED: send_join, `omit_members`: the whole state is always allowed.
Reply make_reply(const Event& join,
                 const std::vector<EventPtr>& state,
                 const std::vector<EventPtr>& auth_chain,
                 const std::vector<ServerName>& servers,
                 const ServerName& us) {
    json::Array names;
    for (const ServerName& server : servers)
        names.emplace_back(server.text());
    Reply reply;
    std::string& body = reply.written_body;
    body = "{\"auth_chain\":";
    write_events_to(body, auth_chain);
    body += ",\"event\":" + join.text + ",\"members_omitted\":false,\"origin\":";
    json::write_string_to(body, us.view());
    body += ",\"servers_in_room\":";
    json::write_to(body, json::Value(std::move(names)));
    body += ",\"state\":";
    write_events_to(body, state);
    body += '}';
    return reply;
}

}  // namespace

Task<Result<Reply>> FederationServer::send_join(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomPtr room, find_resident_room(request.origin, request.path[0]));
    ASSIGN_OR_CO_RETURN(Event join, take_membership(request, *room, Membership::Join));
    // Our signature must be there before the rules look for it, and before anyone sees the event.
    ASSIGN_OR_CO_RETURN(join, vouch_if_restricted(*room, std::move(join)));

    const std::vector<ServerName> servers = room->servers();  // "before the join"
    ASSIGN_OR_CO_RETURN(const StoredEvent stored,
                        co_await admit_membership(room, std::move(join), request.origin));

    const std::optional<State> before = room->state_before(stored.event->id);
    if (!before) co_return internal_error("the state before the join is not known");
    const std::vector<EventPtr> state = room->load_events(*before);
    const std::vector<EventPtr> auth_chain = chain_of(*room, *stored.event, state);
    co_return make_reply(*stored.event, state, auth_chain, servers, services_.server_name);
}

}  // namespace matrix::engine
