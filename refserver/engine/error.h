// Error: what a client or another server is told when a request fails.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#standard-error-response
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "refserver/protocol/auth_rules.h"
#include "refserver/protocol/event.h"
#include "refserver/protocol/json.h"
#include "refserver/storage/turns.h"

namespace matrix::engine {

struct Error {
    int status = 400;
    std::string errcode;  ///< Empty where the body is `extra` alone: a demand for authentication.
    std::string message;
    json::Object extra;  ///< Further members of the body, for example `soft_logout`.
};

template <class T>
using Result = std::expected<T, Error>;

// One function for each errcode, to be returned: `return invalid_param("limit: expected ...");`
std::unexpected<Error> bad_json(std::string message);       // 400 M_BAD_JSON
std::unexpected<Error> not_json(std::string message);       // 400 M_NOT_JSON
std::unexpected<Error> invalid_param(std::string message);  // 400 M_INVALID_PARAM
std::unexpected<Error> missing_param(std::string message);  // 400 M_MISSING_PARAM
std::unexpected<Error> bad_request(std::string_view errcode, std::string message);  // 400
std::unexpected<Error> forbidden(std::string message);                       // 403 M_FORBIDDEN
std::unexpected<Error> not_found(std::string message);                       // 404 M_NOT_FOUND
std::unexpected<Error> too_large(std::string message);                       // 413 M_TOO_LARGE
std::unexpected<Error> unsupported_room_version(std::string message);        // 400
std::unexpected<Error> incompatible_room_version(std::string_view version);  // 400
std::unexpected<Error> unauthorized(std::string message);                    // 401 M_UNAUTHORIZED
std::unexpected<Error> bad_gateway(std::string message);     // 502 M_UNKNOWN: a peer failed
std::unexpected<Error> internal_error(std::string message);  // 500 M_UNKNOWN
/// 507 M_UNKNOWN if the disk is full, else 500 M_UNKNOWN: what was asked for did not happen, or not
/// all of it.
std::unexpected<Error> storage_failed(const storage::Turns& turns);

/// 403 M_FORBIDDEN, with the rule that refused.
Error error_of(const auth::Failure& failure);
/// 400 M_BAD_JSON, naming the field.
Error error_of(const EventError& error);

}  // namespace matrix::engine
