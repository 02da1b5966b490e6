// PUT /rooms/{roomId}/send/{eventType}/{txnId}.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#sending-events-to-a-room

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/client/room_access.h"
#include "refserver/engine/client_server.h"
#include "refserver/engine/ephemeral/presence.h"

namespace matrix::engine {

Task<Result<Reply>> ClientServer::send_once(storage::ClientTransaction transaction,
                                            RoomPtr room,
                                            NewEvent event) {
    // The same request while the first one waits for a policy server: it gets the same answer.
    for (auto entry = sending_.find(transaction); entry != sending_.end();
         entry = sending_.find(transaction)) {
        SIM_SOMETIMES("a client sends twice at once");
        co_await entry->second->wait();
    }
    if (auto repeated = find_repeated(transaction)) co_return *std::move(repeated);
    sending_.emplace(transaction, std::make_unique<runtime::Signal>());
    const Result<StoredEvent> sent = co_await room->submit(std::move(event));
    if (sent) {
        services_.presence.note_activity(sent->event->sender);
        transactions_.insert(transaction, sent->event->id, services_.clock.now().value);
    }
    const std::unique_ptr<runtime::Signal> finished = std::move(sending_.at(transaction));
    sending_.erase(transaction);
    finished->notify_all();
    if (!sent) co_return std::unexpected(sent.error());
    co_return Reply{.body = json::Object{{"event_id", sent->event->id.text()}}};
}

std::optional<Reply> ClientServer::find_repeated(
    const storage::ClientTransaction& transaction) const {
    const auto event = transactions_.find(transaction);
    if (!event) return std::nullopt;
    SIM_SOMETIMES("a client sends an event twice");
    return Reply{.body = json::Object{{"event_id", event->text()}}};
}

Task<Result<Reply>> ClientServer::send_event(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomId id, require_room_id(request.path[0], "roomId"));
    const Requester& requester = request.requester;
    const storage::ClientTransaction transaction{
        .user = requester.user,
        .device = requester.device,
        .endpoint = "send/" + percent_encode(id.view()) + "/" + percent_encode(request.path[1]),
        .transaction_id = request.path[2]};
    if (auto repeated = find_repeated(transaction)) co_return *std::move(repeated);

    ASSIGN_OR_CO_RETURN(json::Object content, request.object_body());
    ASSIGN_OR_CO_RETURN(const RoomPtr room, find_joined_room(services_.rooms, id, requester.user));
    NewEvent event{.sender = requester.user,
                   .type = request.path[1],
                   .state_key = std::nullopt,
                   .content = std::move(content),
                   .redacts = std::nullopt};
    if (event.type == "m.room.redaction") {
        ASSIGN_OR_CO_RETURN(const std::string redacts, require_string(event.content, "redacts"));
        ASSIGN_OR_CO_RETURN(event.redacts, require_event_id(redacts, "redacts"));
        CO_RETURN_IF_ERROR(check_redaction(*room, requester.user, *event.redacts));
    }
    co_return co_await send_once(transaction, room, std::move(event));
}

}  // namespace matrix::engine
