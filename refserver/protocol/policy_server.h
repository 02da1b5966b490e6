// Policy servers: whom a room lets recommend its events, and whether an event is recommended.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#policy-servers
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "refserver/protocol/event.h"
#include "refserver/protocol/signatures.h"

namespace matrix {

/// "Always": the id of the key with which policy servers sign.
inline constexpr std::string_view kPolicyKeyId = "ed25519:policy_server";

/// What an m.room.policy event says.
struct PolicyServer {
    ServerName via;
    std::string public_key;  ///< Raw bytes; empty if what stands there is no base64 of a key.
};

/// Nothing if the content is not valid: then the room uses no policy server. Whether somebody of
/// that server is in the room is for the caller to ask.
///
/// UNSPECIFIED: which base64 a key is in. We read both alphabets, because the spec's own example of
/// a published key is in the URL-safe one.
std::optional<PolicyServer> parse_policy_server(const Event& policy);

/// Is this an event that is recommended by a policy server's signature? All but the state event
/// that appoints the policy server are.
bool needs_policy_signature(const Event& event);

/// Does `pdu` carry a signature of this policy server that is good?
bool has_policy_signature(const json::Object& pdu,
                          const RoomRules& rules,
                          const PolicyServer& policy,
                          const Verifier& verifier);

/// Adds the policy server's signature from `signatures`, as /sign answers it; all else that stands
/// there is left, and so are the event's other signatures.
void add_policy_signature(json::Object& pdu,
                          const json::Object& signatures,
                          const PolicyServer& policy);

}  // namespace matrix
