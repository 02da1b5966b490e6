// What the operations of the adapter share: fields of requests, and errors.
//
// Private to adapter*.cpp.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/protocol/event.h"
#include "refserver/protocol/json.h"
#include "refserver/protocol/server_keys.h"

namespace matrix::commands::adapter {

enum class ErrorClass {
    Rejected,     ///< The authorization rules refuse the event.
    Malformed,    ///< The request, or an event in it, is not what it should be.
    Unsupported,  ///< The request is right, but this implementation cannot answer it.
};

struct RequestError {
    ErrorClass error_class = ErrorClass::Malformed;
    std::string message;
    std::string field;  ///< Which part of the request; may be empty.
    std::string rule;   ///< Of a rejection.
};
json::Object to_json(const RequestError& error);

template <class T>
using Result = std::expected<T, RequestError>;
using Answer = Result<json::Value>;

std::unexpected<RequestError> refuse_request(std::string_view field, std::string expected);

/// The rules of `room_version`.
Result<const RoomRules*> read_rules(const json::Object& request);

Result<const std::string*> read_text(const json::Object& request, std::string_view field);
/// The bytes of a field in base64.
Result<std::string> read_bytes(const json::Object& request, std::string_view field);
/// An array of ids; empty if there is no such field.
Result<std::vector<EventId>> read_event_ids(const json::Object& request, std::string_view field);

/// Does the oracle answer? By default the fast implementation does, but only the oracle has quirks.
Result<bool> uses_oracle(const json::Object& request, bool has_quirks);

/// A PDU: a JSON object, or one with its bytes as `bytes_b64` and, if it is to be given, an
/// `event_id`.
Result<json::Object> read_pdu(const json::Value& value, std::string_view field);
/// The PDU of a request about one event: `event`, or its bytes as `bytes_b64`.
Result<json::Object> read_event_pdu(const json::Object& request);
/// The PDUs of an array; empty if there is no such field.
Result<std::vector<json::Object>> read_pdus(const json::Object& request, std::string_view field);

/// A PDU as an event, which may have a given id.
Result<EventPtr> make_event(const json::Object& pdu,
                            const RoomRules& rules,
                            const RoomId& default_room,
                            std::string_view field);

Answer describe_event(const json::Object& request);
Answer write_canonical_json(const json::Object& request);
Answer hash_content(const json::Object& request);
Answer make_event_id(const json::Object& request);
Answer redact_event(const json::Object& request);
Answer sign(const json::Object& request);
Answer verify(const json::Object& request);
Answer list_auth_types(const json::Object& request);
Answer authorize(const json::Object& request);
Answer resolve_states(const json::Object& request);

}  // namespace matrix::commands::adapter
