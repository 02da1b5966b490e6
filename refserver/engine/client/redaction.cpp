// PUT /rooms/{roomId}/redact/{eventId}/{txnId}.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#redactions

#include "refserver/base/result_macros.h"
#include "refserver/engine/client/room_access.h"
#include "refserver/engine/client_server.h"

namespace matrix::engine {

Result<void> ClientServer::check_redaction(const Room& room,
                                           const UserId& sender,
                                           const EventId& target) {
    // From v3 on no rule refuses a redaction: other servers would just not apply it.
    const auto stored = room.find_event(target);
    if (!stored) return not_found("the event to redact is not known in this room");
    if (stored->event->sender == sender) return {};
    const HeldAuthState levels = room.power_levels();
    if (levels.state.level_of(sender) >= levels.state.level_for(auth::Action::Redact)) return {};
    return forbidden("your power level does not suffice to redact what others sent");
}

Task<Result<Reply>> ClientServer::redact(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomId id, require_room_id(request.path[0], "roomId"));
    ASSIGN_OR_CO_RETURN(const EventId target, require_event_id(request.path[1], "eventId"));
    const Requester& requester = request.requester;
    const storage::ClientTransaction transaction{
        .user = requester.user,
        .device = requester.device,
        .endpoint = "redact/" + percent_encode(id.view()) + "/" + percent_encode(target.view()),
        .transaction_id = request.path[2]};
    if (auto repeated = find_repeated(transaction)) co_return *std::move(repeated);

    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body_or_empty());
    ASSIGN_OR_CO_RETURN(const auto reason, optional_string(body, "reason"));
    ASSIGN_OR_CO_RETURN(const RoomPtr room, find_joined_room(services_.rooms, id, requester.user));
    CO_RETURN_IF_ERROR(check_redaction(*room, requester.user, target));
    json::Object content;
    if (reason) content.set("reason", *reason);
    co_return co_await send_once(transaction,
                                 room,
                                 NewEvent{.sender = requester.user,
                                          .type = "m.room.redaction",
                                          .state_key = std::nullopt,
                                          .content = std::move(content),
                                          .redacts = target});
}

}  // namespace matrix::engine
