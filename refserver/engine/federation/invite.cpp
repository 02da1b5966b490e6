// PUT /_matrix/federation/v2/invite and v1/invite: another server asks us to sign the invite of a
// user of ours.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room

#include <algorithm>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/federation_server.h"
#include "refserver/engine/peers/key_ring.h"
#include "refserver/protocol/event_hash.h"

namespace matrix::engine {
namespace {

constexpr std::size_t kInviteStateMax = 100;

// Stripped state, as clients get it.
json::Array strip(const json::Array& state) {
    json::Array stripped;
    for (const json::Value& event : state) {
        json::Object kept;
        for (const std::string_view key : {"content", "sender", "state_key", "type"}) {
            if (const json::Value* value = event.find(key)) kept.set(key, *value);
        }
        if (kept.size() == 4) stripped.emplace_back(std::move(kept));
    }
    return stripped;
}

// UNSPECIFIED: which versions after 11 "all other room versions" will be; those whose room id is a
// hash cannot be recognised without the create event, and so need it.
bool needs_whole_events(const RoomRules& rules) {
    return rules.event_format == EventFormat::HashedRoomId;
}

Result<const RoomRules*> take_room_version(const json::Object& body) {
    ASSIGN_OR_RETURN(const std::string version, require_string(body, "room_version"));
    if (const RoomRules* rules = find_room_rules(version)) return rules;
    return incompatible_room_version(version);
}

}  // namespace

// Whatever else this is, we do not sign it.
Result<Event> FederationServer::take_invite(const Request& request,
                                            const json::Object& pdu,
                                            const RoomRules& rules) const {
    ASSIGN_OR_RETURN(const RoomId room, require_room_id(request.path[0], "roomId"));
    ASSIGN_OR_RETURN(const EventId id, require_event_id(request.path[1], "eventId"));
    auto event = parse_event(pdu, rules);
    if (!event) return std::unexpected(error_of(event.error()));
    if (event->id != id) return invalid_param("eventId: the event's id is " + event->id.text());
    if (event->room_id != room) return invalid_param("room_id: that is another room");
    if (event->type != "m.room.member") return invalid_param("type: expected m.room.member");
    if (event->membership() != Membership::Invite) {
        return invalid_param("membership: expected invite");
    }
    if (event->sender.server() != request.origin) {
        return invalid_param("sender: not a user of " + request.origin.text());
    }
    const auto invited = parse_user_id(event->state_key.value_or(""));
    if (!invited || invited->server() != services_.server_name ||
        !services_.is_local_user(*invited)) {
        return invalid_param("state_key: not a user of this server");
    }
    if (!has_valid_content_hash(pdu)) return invalid_param("hashes: not the hash of the event");
    return *std::move(event);
}

Task<Result<void>> FederationServer::check_invite_state(json::Array state,
                                                        RoomId room,
                                                        const RoomRules* rules) {
    bool has_create = false;
    auto pdus = std::make_shared<std::vector<json::Object>>();
    for (const json::Value& value : state) {
        const json::Object* pdu = value.if_object();
        if (!pdu) co_return invalid_param("invite_room_state: expected objects");
        const auto event = parse_event(*pdu, *rules);
        if (!event) {
            co_return invalid_param("invite_room_state: " + event.error().field + ": expected " +
                                    event.error().what);
        }
        if (event->room_id != room) {
            co_return invalid_param("invite_room_state: an event of another room");
        }
        has_create |= event->is("m.room.create", "");
        pdus->push_back(*pdu);
    }
    if (!has_create) co_return invalid_param("invite_room_state: there is no m.room.create");
    for (Result<void>& result : co_await services_.keys.verify_events(pdus, rules)) {
        if (!result) co_return invalid_param("invite_room_state: " + result.error().message);
    }
    co_return Result<void>{};
}

Task<Result<json::Object>> FederationServer::sign_invite(Request request, BroughtInvite brought) {
    const RoomRules* rules = brought.rules;
    json::Object pdu = std::move(brought.pdu);
    ASSIGN_OR_CO_RETURN(const Event invite, take_invite(request, pdu, *rules));
    if (!brought.state && needs_whole_events(*rules)) {
        SIM_SOMETIMES("an invite lacks the create event of its room");
        co_return missing_param("invite_room_state: the field is required");
    }
    const json::Array state = std::move(brought.state).value_or(json::Array());
    if (state.size() > kInviteStateMax) co_return invalid_param("invite_room_state: too many");

    CO_RETURN_IF_ERROR(co_await services_.keys.verify_event(pdu, rules));
    if (needs_whole_events(*rules)) {
        CO_RETURN_IF_ERROR(co_await check_invite_state(state, invite.room_id, rules));
    }
    const Result<RoomPtr> known = services_.rooms.find(invite.room_id);
    if (known && !(*known)->is_server_allowed(request.origin)) {
        SIM_SOMETIMES("an ACL keeps an invite out");
        co_return forbidden("the room's server_acl denies " + request.origin.text());
    }

    sign_event(pdu, services_.server_name, services_.signer, *rules);
    auto signed_invite = parse_event(pdu, *rules);
    if (!signed_invite) co_return std::unexpected(error_of(signed_invite.error()));
    // Where a user of ours is in the room, the invite comes as any other event.
    if (!known || !(*known)->is_server_joined(services_.server_name)) {
        SIM_SOMETIMES("somebody is invited into a room that we are not in");
        services_.rooms.put_outlier_membership(
            {.room = invite.room_id,
             .user = UserId(*invite.state_key),
             .event = std::make_shared<const Event>(*std::move(signed_invite)),
             .stripped_state = strip(state)});
    }
    co_return pdu;
}

Task<Result<Reply>> FederationServer::invite(Request request) {
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    BroughtInvite brought;
    ASSIGN_OR_CO_RETURN(brought.rules, take_room_version(body));
    ASSIGN_OR_CO_RETURN(brought.pdu, require_object(body, "event"));
    ASSIGN_OR_CO_RETURN(brought.state, optional_array(body, "invite_room_state"));
    ASSIGN_OR_CO_RETURN(json::Object pdu,
                        co_await sign_invite(std::move(request), std::move(brought)));
    Reply reply;
    reply.body = json::Object{{"event", std::move(pdu)}};
    co_return reply;
}

Task<Result<Reply>> FederationServer::invite_v1(Request request) {
    BroughtInvite brought;
    ASSIGN_OR_CO_RETURN(brought.pdu, request.object_body());
    // Spec: "must assume that the room version is either "1" or "2"": their events are alike.
    SIM_SOMETIMES("an invite comes in the old form");
    brought.rules = find_room_rules("2");
    ASSIGN_OR_CO_RETURN(const auto beside, optional_object(brought.pdu, "unsigned"));
    if (beside) {
        ASSIGN_OR_CO_RETURN(brought.state, optional_array(*beside, "invite_room_state"));
    }
    ASSIGN_OR_CO_RETURN(json::Object pdu,
                        co_await sign_invite(std::move(request), std::move(brought)));
    Reply reply;
    reply.body = json::Array{200, json::Object{{"event", std::move(pdu)}}};
    co_return reply;
}

}  // namespace matrix::engine
