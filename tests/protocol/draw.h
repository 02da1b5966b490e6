// What the properties of this folder draw with RapidCheck: JSON values, spellings of them, and
// PDUs.
//
// To be called inside a property only.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "refserver/protocol/json.h"
#include "refserver/protocol/room_rules.h"
#include "refserver/protocol/signatures.h"

namespace matrix::draw {

/// Each room version as often as any other.
const RoomRules& rules();
/// One of those in which event ids are hashes.
const RoomRules& rules_with_hashed_ids();

/// Text of characters that JSON treats differently, all of them legal.
std::string text();
json::Value value(int depth_max = 3);
json::Object object(int depth_max = 3);

/// A JSON text of `value` with drawn white space, order of keys and escapes.
std::string spelling(const json::Value& value);

/// The key of a server for the properties that sign.
std::unique_ptr<Signer> signer(std::string_view key_id = "ed25519:1", char seed = 's');

/// An event of drawn type and content, of "@alice:a.example", hashed and signed by `signer()`.
json::Object pdu(const RoomRules& rules);
/// One of the members of a PDU that redaction keeps, other than `signatures`.
std::string protected_key(const json::Object& pdu, const RoomRules& rules);

}  // namespace matrix::draw
