// Events as a peer builds them, right or deliberately wrong.
//
// A `Pdu` is JSON that may be changed in any way; `sign_pdu` makes of it what a server would send.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#pdus
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/harness/response.h"
#include "refserver/protocol/identifiers.h"
#include "refserver/protocol/room_rules.h"
#include "refserver/protocol/signatures.h"

namespace matrix::conformance {

struct Pdu {
    Json json;
    const RoomRules* rules = nullptr;  ///< Of its room's version; never null.

    /// The reference hash, after signing; in room versions 1 and 2 what the event says.
    EventId id() const;
    RoomId room() const;  ///< Also of a create event of version 12, where it is derived.
    UserId sender() const { return UserId(string_at(json, {"sender"})); }
    std::string type() const { return string_at(json, {"type"}); }
    /// Nothing for events that are no state.
    std::optional<std::string> state_key() const;
    std::vector<EventId> prev_events() const;
    std::vector<EventId> auth_events() const;

    Json& operator[](const char* key) { return json[key]; }
};
std::ostream& operator<<(std::ostream& out, const Pdu& pdu);

/// The PDUs' JSON, as `pdus`, `state` and `auth_chain` carry them.
Json to_json(const std::vector<Pdu>& pdus);
std::vector<Pdu> pdus_from(const Json& array, const RoomRules& rules);

/// References to events as the room version writes them.
Json references_to(const std::vector<EventId>& events, const RoomRules& rules);

/// Adds content hash and signature, replacing those that are there.
Pdu sign_pdu(Pdu pdu, const ServerName& server, const Signer& signer);
/// Adds a signature to an event whose hash stays, right or wrong.
Pdu add_signature(Pdu pdu, const ServerName& server, const Signer& signer);

/// Between the two kinds of JSON. `to_protocol` takes any JSON that nlohmann can write.
json::Value to_protocol(const Json& value);
json::Object to_protocol_object(const Json& object);
Json from_protocol(const json::Object& object);

}  // namespace matrix::conformance
