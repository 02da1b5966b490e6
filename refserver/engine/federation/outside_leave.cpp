// The end of an invite or a knock of a user of ours, in a room that this server is not in: it comes
// in a transaction, and the user learns of it.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#room-membership (rejecting and rescinding)

#include <algorithm>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/federation_server.h"
#include "refserver/engine/peers/key_ring.h"
#include "refserver/protocol/event_hash.h"
#include "refserver/protocol/redaction.h"

namespace matrix::engine {

// UNSPECIFIED: whom we believe of a room whose state we do not know. The event must be signed, be
// of a user of the server that brings it, and cite the invite or knock that it ends: strangers do
// not know its id.
Task<Result<void>> FederationServer::receive_outside_leave(json::Object pdu, ServerName origin) {
    ASSIGN_OR_CO_RETURN(const std::string room_text, require_string(pdu, "room_id"));
    ASSIGN_OR_CO_RETURN(const RoomId room_id, require_room_id(room_text, "room_id"));
    ASSIGN_OR_CO_RETURN(const std::string target, require_string(pdu, "state_key"));
    ASSIGN_OR_CO_RETURN(const UserId user, require_own_user(target, "state_key"));
    const auto ended = services_.rooms.find_outlier_membership(room_id, user);
    if (!ended) co_return not_found("this server is not in the room");
    const auto was = ended->event->membership();
    if (was != Membership::Invite && was != Membership::Knock) {
        co_return not_found("this server is not in the room");
    }

    const RoomRules* rules = ended->event->rules;
    auto event = parse_event(pdu, *rules);
    if (!event) co_return std::unexpected(error_of(event.error()));
    const bool is_end =
        event->is("m.room.member", target) && event->room_id == room_id &&
        (event->membership() == Membership::Leave || event->membership() == Membership::Ban);
    if (!is_end || event->sender.server() != origin ||
        std::ranges::find(event->auth_events, ended->event->id) == event->auth_events.end()) {
        SIM_SOMETIMES("a stranger claims to end an invite");
        co_return forbidden("the event does not end the membership that is known here");
    }
    CO_RETURN_IF_ERROR(co_await services_.keys.verify_event(pdu, rules));
    if (!has_valid_content_hash(pdu)) event = redact(*event);

    // It may have been joined, left or ended otherwise while we waited for keys.
    const auto now = services_.rooms.find_outlier_membership(room_id, user);
    if (!now || now->event->id != ended->event->id) {
        SIM_SOMETIMES("an invite ends in two ways at once");
        co_return Result<void>{};
    }
    services_.rooms.put_outlier_membership(
        {.room = room_id,
         .user = user,
         .event = std::make_shared<const Event>(*std::move(event)),
         .stripped_state = {}});
    co_return Result<void>{};
}

}  // namespace matrix::engine
