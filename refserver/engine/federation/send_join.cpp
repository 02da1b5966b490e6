// PUT /_matrix/federation/v2/send_join: a remote server brings the join that it has signed.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#joining-rooms

#include <algorithm>
#include <set>
#include <utility>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/federation/event_lists.h"
#include "refserver/engine/federation_server.h"
#include "refserver/engine/rooms/room_summary.h"

namespace matrix::engine {
namespace {

// What is told of the state. To a server that can do without most members: those by whom the
// joining user would call an unnamed room, and no others.
Room::IsWanted told_to(const Room& room,
                       const State& before,
                       const UserId& joining,
                       bool omits_members) {
    if (!omits_members) return nullptr;
    SIM_SOMETIMES("members are omitted from the answer to a join");
    std::vector<UserId> heroes;
    if (!is_named(room, before)) heroes = summarize(room, before, joining).heroes;
    return [heroes = std::move(heroes)](const StateKey& key) {
        return key.type != "m.room.member" ||
               std::ranges::find(heroes, UserId(key.state_key)) != heroes.end();
    };
}

void remove_events(std::vector<EventPtr>& events, const std::vector<EventPtr>& redundant) {
    std::set<EventId> ids;
    for (const EventPtr& event : redundant)
        ids.insert(event->id);
    std::erase_if(events, [&](const EventPtr& event) { return ids.contains(event->id); });
}

/// What send_join answers, as the specification calls it.
struct JoinAnswer {
    std::vector<EventPtr> state;
    std::vector<EventPtr> auth_chain;
    bool members_omitted = false;
    std::vector<ServerName> servers_in_room;  ///< Before the join.
};

Reply make_reply(const Event& join, const JoinAnswer& answer, const ServerName& us) {
    json::Array names;
    for (const ServerName& server : answer.servers_in_room)
        names.emplace_back(server.text());
    Reply reply;
    std::string& body = reply.written_body;
    body = "{\"auth_chain\":";
    write_events_to(body, answer.auth_chain);
    body += ",\"event\":" + join.text + ",\"members_omitted\":";
    body += answer.members_omitted ? "true" : "false";
    body += ",\"origin\":";
    json::write_string_to(body, us.view());
    body += ",\"servers_in_room\":";
    json::write_to(body, json::Value(std::move(names)));
    body += ",\"state\":";
    write_events_to(body, answer.state);
    body += '}';
    return reply;
}

}  // namespace

Task<Result<Reply>> FederationServer::send_join(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomPtr room, find_resident_room(request.origin, request.path[0]));
    ASSIGN_OR_CO_RETURN(const bool omits_members, request.boolean_query("omit_members", false));
    ASSIGN_OR_CO_RETURN(Event join, take_membership(request, *room, Membership::Join));
    // Our signature must be there before the rules look for it, and before anyone sees the event.
    ASSIGN_OR_CO_RETURN(join, vouch_if_restricted(*room, std::move(join)));

    JoinAnswer answer{.members_omitted = omits_members, .servers_in_room = room->servers()};
    ASSIGN_OR_CO_RETURN(const StoredEvent stored,
                        co_await admit_membership(room, std::move(join), request.origin));

    const std::optional<State> before = room->state_before(stored.event->id);
    if (!before) co_return internal_error("the state before the join is not known");
    std::vector<EventId> told = co_await room->gather_ids(
        *before, told_to(*room, *before, stored.event->sender, omits_members));
    answer.state = co_await room->gather_events(std::move(told));
    // "All events in the auth chain for the new join event, as well as those in the auth chains for
    // any events returned in state."
    std::vector<EventPtr> citing = answer.state;
    citing.push_back(stored.event);
    answer.auth_chain = co_await room->gather_auth_chain(std::move(citing));
    if (omits_members) remove_events(answer.auth_chain, answer.state);
    co_return make_reply(*stored.event, answer, services_.server_name);
}

}  // namespace matrix::engine
