// What joining, knocking and leaving through this server have in common: a template that a remote
// user may sign, and the signed event that comes back.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#joining-rooms

#include <algorithm>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/federation_server.h"
#include "refserver/engine/peers/key_ring.h"
#include "refserver/engine/peers/outbox.h"
#include "refserver/protocol/event_hash.h"

namespace matrix::engine {

Result<UserId> FederationServer::require_user_of(const ServerName& origin,
                                                 std::string_view user) const {
    ASSIGN_OR_RETURN(UserId id, require_user_id(user, "userId"));
    SIM_SOMETIMES(id.server() != origin, "a server speaks for a user of another one");
    if (id.server() != origin) return forbidden("userId: not a user of " + origin.text());
    return id;
}

Result<void> FederationServer::check_supported_versions(const Request& request, const Room& room) {
    const std::string_view version = room.rules().version;
    const auto [first, last] = request.query.equal_range(std::string_view("ver"));
    // Spec: make_join, `ver` "Defaults to [1]".
    const bool is_supported =
        first == last
            ? version == "1"
            : std::any_of(first, last, [&](const auto& entry) { return entry.second == version; });
    SIM_SOMETIMES(!is_supported,
                  "a server does not know the version of a room that it wants to join");
    if (!is_supported) return incompatible_room_version(version);
    return {};
}

Result<Reply> FederationServer::offer_membership(const Room& room, NewEvent event) const {
    ASSIGN_OR_RETURN(const EventTemplate made, room.make_template(event));
    RETURN_IF_ERROR(room.check_template(made));
    // In v1 and v2 the joining server makes the id.
    std::optional<EventId> no_id;
    if (room.rules().event_format == EventFormat::IdsAndHashes) no_id.emplace("$none");
    json::Object pdu = make_pdu(made, room.rules(), no_id);
    pdu.erase("event_id");
    pdu.set("origin", services_.server_name.text());
    Reply reply;
    reply.body = json::Object{{"event", std::move(pdu)}, {"room_version", room.rules().version}};
    return reply;
}

Result<Event> FederationServer::take_membership(const Request& request,
                                                const Room& room,
                                                Membership membership) const {
    ASSIGN_OR_RETURN(const EventId id, require_event_id(request.path[1], "eventId"));
    ASSIGN_OR_RETURN(const json::Object body, request.object_body());
    auto event = parse_event(body, room.rules());
    if (!event) return std::unexpected(error_of(event.error()));
    if (event->id != id) return invalid_param("eventId: the event's id is " + event->id.text());
    if (event->room_id != room.id()) return invalid_param("room_id: that is another room");
    if (event->type != "m.room.member") return invalid_param("type: expected m.room.member");
    if (event->membership() != membership) {
        return invalid_param("membership: expected " + std::string(name_of(membership)));
    }
    if (event->sender.server() != request.origin) {
        return invalid_param("sender: not a user of " + request.origin.text());
    }
    if (event->state_key != event->sender.text()) {
        return invalid_param("state_key: expected the sender");
    }
    if (!has_valid_content_hash(body)) return invalid_param("hashes: not the hash of the event");
    return *std::move(event);
}

Task<Result<StoredEvent>> FederationServer::admit_membership(RoomPtr room,
                                                             Event event,
                                                             ServerName origin) {
    CO_RETURN_IF_ERROR(co_await services_.keys.verify_event(event.parse_text(), &room->rules()));
    ASSIGN_OR_CO_RETURN(const Receipt receipt,
                        co_await room->receive_verified(std::move(event), origin));
    const StoredEvent& stored = receipt.stored;
    if (stored.status != EventStatus::Accepted) {
        SIM_SOMETIMES("the rules refuse a membership that a server has signed");
        co_return forbidden(stored.detail + " (rule " + stored.rule + ")");
    }
    // The origin does not wait for the others; the outbox tries until they have it.
    SIM_SOMETIMES(!receipt.is_new, "a membership is brought twice");
    if (receipt.is_new) {
        std::vector<ServerName> others = room->servers();
        std::erase(others, origin);
        services_.outbox.send(stored.event, others);
    }
    co_return stored;
}

}  // namespace matrix::engine
