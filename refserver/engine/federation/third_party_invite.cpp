// PUT /_matrix/federation/v1/exchange_third_party_invite and /3pid/onbind: an invite to an e-mail
// address becomes one to the user whose address it is.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#third-party-invites

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/federation_server.h"
#include "refserver/engine/peers/federation_client.h"
#include "refserver/engine/rooms/remote_rooms.h"
#include "refserver/runtime/log.h"

namespace matrix::engine {
namespace {

/// Anybody may send an onbind, and each invite in it may be a request to another server.
constexpr std::size_t kPendingInvitesMax = 20;

// The name under which the inviter knows the address, where the room has the invite.
std::string display_name_of(const Room& room, const std::string& token, std::string otherwise) {
    const EventPtr event = room.find_state("m.room.third_party_invite", token);
    const json::Value content = event ? json::Value(event->parse_content()) : json::Value();
    const std::string* name = content.find_string("display_name");
    return name ? *name : std::move(otherwise);
}

NewEvent make_invite(const UserId& sender,
                     const UserId& invited,
                     std::string display_name,
                     json::Object signed_part) {
    json::Object proof{{"display_name", std::move(display_name)},
                       {"signed", std::move(signed_part)}};
    return {.sender = sender,
            .type = "m.room.member",
            .state_key = invited.text(),
            .content = {{"membership", "invite"}, {"third_party_invite", std::move(proof)}},
            .redacts = std::nullopt};
}

// What an identity server signed must be of this user.
Result<std::string> take_token(const json::Object& signed_part, const UserId& user) {
    ASSIGN_OR_RETURN(const std::string mxid, require_string(signed_part, "mxid"));
    if (mxid != user.view()) return invalid_param("signed.mxid: expected " + user.text());
    return require_string(signed_part, "token");
}

// UNSPECIFIED: the rules let such an invite also replace a join, and so put somebody out of a room
// who did not ask for that. We make none for who is in the room.
Result<void> check_is_outside(const Room& room, const UserId& user) {
    if (room.membership(user) != Membership::Join) return {};
    return forbidden("the user is in the room already");
}

}  // namespace

Result<NewEvent> FederationServer::take_exchange(const Request& request,
                                                 const json::Object& body,
                                                 const Room& room) const {
    ASSIGN_OR_RETURN(const std::string type, require_string(body, "type"));
    if (type != "m.room.member") return invalid_param("type: expected m.room.member");
    ASSIGN_OR_RETURN(const std::string room_id, require_string(body, "room_id"));
    if (room_id != room.id().view()) return invalid_param("room_id: that is another room");
    ASSIGN_OR_RETURN(const std::string sender_text, require_string(body, "sender"));
    ASSIGN_OR_RETURN(const UserId sender, require_own_user(sender_text, "sender"));
    ASSIGN_OR_RETURN(const std::string state_key, require_string(body, "state_key"));
    ASSIGN_OR_RETURN(const UserId invited, require_user_of(request.origin, state_key));
    ASSIGN_OR_RETURN(const json::Object content, require_object(body, "content"));
    ASSIGN_OR_RETURN(const std::string membership, require_string(content, "membership"));
    if (membership != "invite") return invalid_param("membership: expected invite");
    ASSIGN_OR_RETURN(const json::Object proof, require_object(content, "third_party_invite"));
    ASSIGN_OR_RETURN(json::Object signed_part, require_object(proof, "signed"));
    ASSIGN_OR_RETURN(const std::string token, take_token(signed_part, invited));
    ASSIGN_OR_RETURN(const auto name, optional_string(proof, "display_name"));
    RETURN_IF_ERROR(check_is_outside(room, invited));
    return make_invite(
        sender, invited, display_name_of(room, token, name.value_or("")), std::move(signed_part));
}

Task<Result<Reply>> FederationServer::exchange_third_party_invite(Request request) {
    ASSIGN_OR_CO_RETURN(RoomPtr room, find_resident_room(request.origin, request.path[0]));
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(NewEvent invite, take_exchange(request, body, *room));
    // The rules check who sent the first invite, and the identity server's signature.
    SIM_SOMETIMES("a third-party invite is exchanged");
    CO_RETURN_IF_ERROR(co_await services_.remote_rooms.invite(std::move(room), std::move(invite)));
    co_return Reply{};
}

Result<FederationServer::PendingInvite> FederationServer::take_pending_invite(
    const json::Value& value, const UserId& user) const {
    const json::Object* invite = value.if_object();
    if (!invite) return bad_json("invites: expected objects");
    ASSIGN_OR_RETURN(const std::string room, require_string(*invite, "room_id"));
    ASSIGN_OR_RETURN(const std::string sender, require_string(*invite, "sender"));
    PendingInvite pending;
    ASSIGN_OR_RETURN(pending.room, require_room_id(room, "room_id"));
    ASSIGN_OR_RETURN(pending.sender, require_user_id(sender, "sender"));
    ASSIGN_OR_RETURN(pending.signed_part, require_object(*invite, "signed"));
    ASSIGN_OR_RETURN(pending.token, take_token(pending.signed_part, user));
    return pending;
}

Task<Result<void>> FederationServer::deliver_pending_invite(PendingInvite pending, UserId user) {
    const auto room = services_.rooms.find(pending.room);
    const std::string name(user.localpart());
    if (room && (*room)->is_server_joined(services_.server_name)) {
        CO_RETURN_IF_ERROR(check_is_outside(**room, user));
        CO_RETURN_IF_ERROR(
            co_await (*room)->submit(make_invite(pending.sender,
                                                 user,
                                                 display_name_of(**room, pending.token, name),
                                                 std::move(pending.signed_part))));
        co_return Result<void>{};
    }
    SIM_SOMETIMES("a third-party invite is taken elsewhere to be exchanged");
    NewEvent invite = make_invite(pending.sender, user, name, std::move(pending.signed_part));
    json::Object event{{"type", invite.type},
                       {"room_id", pending.room.text()},
                       {"sender", pending.sender.text()},
                       {"state_key", user.text()},
                       {"content", std::move(invite.content)}};
    co_return co_await services_.federation.exchange_third_party_invite(
        pending.sender.server(), pending.room, std::move(event));
}

Task<Result<Reply>> FederationServer::take_binding(Request request) {
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    CO_RETURN_IF_ERROR(require_string(body, "medium"));
    CO_RETURN_IF_ERROR(require_string(body, "address"));
    ASSIGN_OR_CO_RETURN(const std::string mxid, require_string(body, "mxid"));
    ASSIGN_OR_CO_RETURN(const UserId user, require_own_user(mxid, "mxid"));
    if (!services_.is_local_user(user)) co_return invalid_param("mxid: there is no such user");
    ASSIGN_OR_CO_RETURN(const auto invites, optional_array(body, "invites"));
    if (!invites) co_return missing_param("invites: an array is required");
    if (invites->size() > kPendingInvitesMax) {
        co_return invalid_param("invites: expected at most " + std::to_string(kPendingInvitesMax));
    }
    std::vector<PendingInvite> pending;
    for (const json::Value& invite : *invites) {
        ASSIGN_OR_CO_RETURN(PendingInvite taken, take_pending_invite(invite, user));
        pending.push_back(std::move(taken));
    }
    // One that another server refuses does not hold up the others.
    for (PendingInvite& invite : pending) {
        const std::string room = invite.room.text();
        const auto delivered = co_await deliver_pending_invite(std::move(invite), user);
        if (delivered) continue;
        services_.log.info("third_party_invite",
                           "an invite of " + user.text() + " to " + room +
                               " failed: " + delivered.error().message);
    }
    co_return Reply{};
}

}  // namespace matrix::engine
