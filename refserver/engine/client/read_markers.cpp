// POST /rooms/{roomId}/read_markers.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#fully-read-markers

#include "refserver/base/result_macros.h"
#include "refserver/engine/client/room_access.h"
#include "refserver/engine/client_server.h"
#include "refserver/engine/ephemeral/presence.h"
#include "refserver/engine/ephemeral/receipts.h"
#include "refserver/engine/notifier.h"

namespace matrix::engine {

Result<void> ClientServer::mark_read(const RoomPtr& room,
                                     const UserId& user,
                                     const ReadMark& mark) {
    // UNSPECIFIED: what the user cannot see is not there, and nobody has read it.
    const auto event = room->find_event(mark.event);
    if (!event || !room->may_see(user, *event)) {
        return not_found(mark.event.text() + ": you see no such event in this room");
    }
    if (!mark.thread.empty() && !is_in_thread(*room, *event, mark.thread)) {
        return invalid_param("thread_id: the event is not in that thread");
    }
    if (mark.type == kFullyRead) {
        const StreamPosition position = services_.turns.next_position();
        const json::Object content{{"event_id", mark.event.text()}};
        account_data_.put(user, room->id(), kFullyRead, json::write(content), position);
        services_.notifier.user_changed(user, position);
        return {};
    }
    services_.presence.note_activity(user);
    services_.receipts.put(*room,
                           {.room = room->id(),
                            .type = mark.type,
                            .user = user,
                            .thread = mark.thread,
                            .event = mark.event,
                            .ts = services_.clock.now().value,
                            .position = {}});
    return {};
}

Task<Result<Reply>> ClientServer::post_read_markers(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomId room_id, require_room_id(request.path[0], "roomId"));
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    std::vector<ReadMark> marks;
    for (const std::string_view type :
         {kFullyRead, storage::kReadReceipt, storage::kPrivateReadReceipt}) {
        ASSIGN_OR_CO_RETURN(const auto text, optional_string(body, type));
        if (!text) continue;
        ASSIGN_OR_CO_RETURN(EventId event, require_event_id(*text, type));
        marks.push_back({.type = std::string(type), .event = std::move(event), .thread = {}});
    }
    const UserId& user = request.requester.user;
    ASSIGN_OR_CO_RETURN(const RoomPtr room, find_joined_room(services_.rooms, room_id, user));
    for (const ReadMark& mark : marks) {
        CO_RETURN_IF_ERROR(mark_read(room, user, mark));
    }
    co_return Reply{};
}

}  // namespace matrix::engine
