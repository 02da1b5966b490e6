// POST /rooms/{roomId}/receipt/{receiptType}/{eventId}.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#receipts

#include "refserver/engine/ephemeral/receipts.h"

#include "refserver/base/result_macros.h"
#include "refserver/engine/client/room_access.h"
#include "refserver/engine/client_server.h"

namespace matrix::engine {
namespace {

// Spec: POST receipt, 400: "It is not a string. It is empty. It is provided for an incompatible
// receipt type."
Result<std::string> take_thread(const json::Object& body, std::string_view receipt_type) {
    const json::Value* thread = body.find("thread_id");
    if (!thread) return std::string();
    const std::string* text = thread->if_string();
    if (!text || text->empty()) {
        return invalid_param("thread_id: expected \"main\" or the id of a thread's root");
    }
    if (*text != kMainThread && !parse_event_id(*text)) {
        return invalid_param("thread_id: expected \"main\" or the id of a thread's root");
    }
    if (receipt_type == kFullyRead) {
        return invalid_param("thread_id: a read marker is of the whole room");
    }
    return *text;
}

}  // namespace

Task<Result<Reply>> ClientServer::post_receipt(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomId room_id, require_room_id(request.path[0], "roomId"));
    const std::string& type = request.path[1];
    if (type != storage::kReadReceipt && type != storage::kPrivateReadReceipt &&
        type != kFullyRead) {
        co_return invalid_param(
            "receiptType: expected \"m.read\", \"m.read.private\" or \"m.fully_read\"");
    }
    ASSIGN_OR_CO_RETURN(const EventId event_id, require_event_id(request.path[2], "eventId"));
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body_or_empty());
    ASSIGN_OR_CO_RETURN(std::string thread, take_thread(body, type));
    const UserId& user = request.requester.user;
    ASSIGN_OR_CO_RETURN(const RoomPtr room, find_joined_room(services_.rooms, room_id, user));
    CO_RETURN_IF_ERROR(
        mark_read(room, user, {.type = type, .event = event_id, .thread = std::move(thread)}));
    co_return Reply{};
}

}  // namespace matrix::engine
