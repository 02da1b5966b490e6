// Restricted joins: rooms that let in the members of other rooms, on the word of a server that can
// see both.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#restricted-rooms

#include <algorithm>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/federation_server.h"
#include "refserver/engine/rooms/room_description.h"

namespace matrix::engine {
namespace {

enum class Conditions { Met, NotMet, Unknown };

Conditions check_conditions(Rooms& rooms,
                            const Room& room,
                            const UserId& user,
                            const ServerName& us) {
    Conditions verdict = Conditions::NotMet;
    for (const RoomId& id : list_allowed_rooms(room)) {
        const Result<RoomPtr> allowed = rooms.find(id);
        // What we knew when we left is not what is true now.
        if (!allowed || !(*allowed)->is_server_joined(us)) {
            verdict = Conditions::Unknown;
        } else if ((*allowed)->membership(user) == Membership::Join) {
            return Conditions::Met;
        }
    }
    return verdict;
}

// The joined user of ours with the highest level, the first by name among equals.
std::optional<UserId> find_authorising_user(const Room& room, const ServerName& us) {
    const HeldAuthState levels = room.power_levels();
    const auth::AuthState& state = levels.state;
    std::optional<UserId> best;
    for (const UserId& user : room.list_members(Membership::Join)) {
        if (user.server() != us || state.level_of(user) < state.level_for(auth::Action::Invite))
            continue;
        if (!best || state.level_of(user) > state.level_of(*best)) best = user;
    }
    return best;
}

}  // namespace

Result<std::optional<UserId>> FederationServer::find_authoriser(const Room& room,
                                                                const UserId& user) const {
    if (!is_restricted(room)) return std::nullopt;
    const std::optional<Membership> membership = room.membership(user);
    if (membership == Membership::Join || membership == Membership::Invite) return std::nullopt;
    switch (check_conditions(services_.rooms, room, user, services_.server_name)) {
        case Conditions::Unknown:
            SIM_SOMETIMES("we cannot see the rooms whose members may join");
            return bad_request("M_UNABLE_TO_AUTHORISE_JOIN",
                               "this server does not see the rooms whose members may join");
        case Conditions::NotMet:
            SIM_SOMETIMES("a user is in none of the rooms whose members may join");
            return forbidden("the user is in none of the rooms whose members may join");
        case Conditions::Met:
            break;
    }
    std::optional<UserId> inviter = find_authorising_user(room, services_.server_name);
    if (!inviter) {
        SIM_SOMETIMES("no user of ours may vouch for a join");
        return bad_request("M_UNABLE_TO_GRANT_JOIN",
                           "no user of this server may invite others to the room");
    }
    return inviter;
}

Result<Event> FederationServer::vouch_if_restricted(const Room& room, Event join) const {
    const auto* content = join.find_content<MemberContent>();
    const auto& authoriser = content->join_authorized_via;
    if (!room.rules().has_restricted || !authoriser ||
        authoriser->server() != services_.server_name) {
        return join;
    }
    ASSIGN_OR_RETURN(const auto found, find_authoriser(room, join.sender));
    // We sign only where our word is asked for.
    if (!found) {
        SIM_SOMETIMES("our word is asked for where none is needed");
        return invalid_param("join_authorised_via_users_server: this join needs nobody's word");
    }
    json::Object pdu = join.parse_text();
    SIM_SOMETIMES("a restricted join is signed by us too");
    sign_event(pdu, services_.server_name, services_.signer, room.rules());
    auto vouched = parse_event(pdu, room.rules());
    if (!vouched) return std::unexpected(error_of(vouched.error()));
    return *std::move(vouched);
}

}  // namespace matrix::engine
