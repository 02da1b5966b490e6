// POST /_matrix/policy/v1/sign, and GET /.well-known/matrix/policy_server: this server as the
// policy server of rooms that appoint it.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#post_matrixpolicyv1sign

#include "refserver/base/result_macros.h"
#include "refserver/engine/federation_server.h"
#include "refserver/engine/peers/key_ring.h"
#include "refserver/engine/policy_signer.h"
#include "refserver/protocol/base64.h"
#include "refserver/protocol/policy_server.h"

namespace matrix::engine {
// The room of an event to be recommended, whose policy server is this one; or one answer for all
// others, so that nobody learns which rooms exist.
Result<RoomPtr> FederationServer::find_protected_room(const ServerName& origin,
                                                      const json::Object& pdu) const {
    // UNSPECIFIED: a create event of v12 names no room, and comes before any policy.
    ASSIGN_OR_RETURN(const std::string room_id, require_string(pdu, "room_id"));
    ASSIGN_OR_RETURN(RoomPtr room, find_resident_room(origin, room_id));
    const EventPtr policy = room->find_state("m.room.policy", "");
    const auto appointed = policy ? parse_policy_server(*policy) : std::nullopt;
    if (appointed && appointed->via == services_.server_name) return room;
    return not_found("this server is not in the room");
}

Task<Result<Reply>> FederationServer::get_policy_keys(Request) {
    if (!services_.policy_signer) co_return not_found("this server is no policy server");
    json::Object keys{{"ed25519", encode_base64(services_.policy_signer->public_key())}};
    co_return Reply{.body = json::Object{{"public_keys", std::move(keys)}}};
}

Task<Result<Reply>> FederationServer::sign_by_policy(Request request) {
    if (!services_.policy_signer) {
        co_return std::unexpected(
            Error{404, "M_UNRECOGNIZED", "this server is no policy server", {}});
    }
    ASSIGN_OR_CO_RETURN(json::Object pdu, request.object_body());
    ASSIGN_OR_CO_RETURN(const RoomPtr room, find_protected_room(request.origin, pdu));
    auto event = parse_event(pdu, room->rules());
    if (!event) co_return std::unexpected(error_of(event.error()));
    // We recommend what its sender has said, and nothing that is put into somebody's mouth.
    CO_RETURN_IF_ERROR(co_await services_.keys.verify_event(std::move(pdu), &room->rules()));
    ASSIGN_OR_CO_RETURN(json::Object signatures, services_.policy_signer->sign(*event));
    co_return Reply{.body = std::move(signatures)};
}

}  // namespace matrix::engine
