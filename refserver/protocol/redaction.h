// Redaction: what is left of an event when its content is taken away.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#redactions
#pragma once

#include <string>

#include "refserver/protocol/event.h"

namespace matrix {

/// The PDU with the keys that its room version protects, and no others. Never fails.
///
/// UNSPECIFIED: a `content` that is no object becomes `{}`, and an absent one stays absent. Of
/// `third_party_invite` (v11+) an object keeps `signed` and may become `{}`; anything else is
/// dropped, as Synapse does it.
json::Object redact(const json::Object& pdu, const RoomRules& rules);

/// The same of a parsed event; its id stays.
Event redact(const Event& event);

/// The redacted PDU without `signatures` in canonical JSON, written without making it: the bytes
/// that servers sign, and whose hash is the event's id.
///
/// Spec: https://spec.matrix.org/v1.19/server-server-api/#calculating-the-reference-hash-for-an-event
std::string write_redacted_unsigned(const json::Object& pdu, const RoomRules& rules);

}  // namespace matrix
