// PUT /rooms/{roomId}/state/{eventType}/{stateKey}.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#sending-events-to-a-room

#include <algorithm>

#include "refserver/base/result_macros.h"
#include "refserver/engine/client/room_access.h"
#include "refserver/engine/client_server.h"

namespace matrix::engine {
namespace {

// Every alias that a canonical alias event names.
Result<std::vector<std::string>> list_named_aliases(const json::Object& content) {
    std::vector<std::string> aliases;
    ASSIGN_OR_RETURN(const auto alias, optional_string(content, "alias"));
    if (alias && !alias->empty()) aliases.push_back(*alias);
    ASSIGN_OR_RETURN(const auto others, optional_array(content, "alt_aliases"));
    for (const json::Value& other : others.value_or(json::Array{})) {
        const std::string* text = other.if_string();
        if (!text) return bad_json("alt_aliases: expected an array of strings");
        aliases.push_back(*text);
    }
    return aliases;
}

}  // namespace

Result<void> ClientServer::check_canonical_alias(const Room& room,
                                                 const json::Object& content) const {
    std::vector<std::string> known;
    if (const EventPtr current = room.find_state("m.room.canonical_alias", "")) {
        known = list_named_aliases(current->parse_content()).value_or(std::vector<std::string>{});
    }
    ASSIGN_OR_RETURN(const auto aliases, list_named_aliases(content));
    for (const std::string& text : aliases) {
        ASSIGN_OR_RETURN(const RoomAlias alias, require_alias(text, "alias"));
        // What the room has already is not asked for again.
        if (std::ranges::find(known, text) != known.end()) continue;
        const auto aliased = aliases_.find(alias);
        if (!aliased || aliased->room != room.id()) {
            return bad_request("M_BAD_ALIAS", "alias: " + text + " does not lead to this room");
        }
    }
    return {};
}

Task<Result<Reply>> ClientServer::put_state_event(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomId id, require_room_id(request.path[0], "roomId"));
    ASSIGN_OR_CO_RETURN(json::Object content, request.object_body());
    const UserId& sender = request.requester.user;
    ASSIGN_OR_CO_RETURN(RoomPtr room, find_joined_room(services_.rooms, id, sender));
    NewEvent event{.sender = sender,
                   .type = request.path[1],
                   .state_key = request.path.size() > 2 ? request.path[2] : "",
                   .content = std::move(content),
                   .redacts = std::nullopt};
    if (event.type == "m.room.canonical_alias" && event.state_key == "") {
        CO_RETURN_IF_ERROR(check_canonical_alias(*room, event.content));
    }
    const json::Value* membership = event.content.find("membership");
    const bool is_invite =
        event.type == "m.room.member" && membership && *membership == json::Value("invite");
    if (is_invite) {
        CO_RETURN_IF_ERROR(require_user_id(*event.state_key, "stateKey"));
    }
    Result<StoredEvent> sent = is_invite ? co_await send_invite(std::move(room), std::move(event))
                                         : co_await room->submit(std::move(event));
    if (!sent) co_return std::unexpected(std::move(sent).error());
    co_return Reply{.body = json::Object{{"event_id", sent->event->id.text()}}};
}

}  // namespace matrix::engine
