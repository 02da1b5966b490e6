// Content hash, reference hash and the event id that follows from it.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#calculating-the-content-hash-for-an-event
#pragma once

#include "refserver/protocol/event.h"
#include "refserver/protocol/sha256.h"

namespace matrix {

/// Of the PDU without `unsigned`, `signatures` and `hashes`.
Sha256 content_hash(const json::Object& pdu);

/// Of the redacted PDU without `signatures`.
///
/// UNSPECIFIED: a top-level `event_id` in v3+ is one more unknown key to us: hashed like any other,
/// and kept by redaction because the list of protected keys has it. Other servers refuse or strip
/// it.
Sha256 reference_hash(const json::Object& pdu, const RoomRules& rules);

/// From v3 on the reference hash in the encoding of the version, else the PDU's own `event_id`.
std::expected<EventId, EventError> event_id_of(const json::Object& pdu, const RoomRules& rules);

/// Adds `hashes.sha256`.
void add_content_hash(json::Object& pdu);

/// Does the event's `hashes.sha256` match its content? If not, it is to be treated as redacted.
///
/// False also when there is no such hash, or no base64 in it.
bool has_valid_content_hash(const json::Object& pdu);

}  // namespace matrix
