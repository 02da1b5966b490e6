// The X-Matrix authorization of a federation request.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#request-authentication
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "refserver/protocol/identifiers.h"
#include "refserver/protocol/json.h"
#include "refserver/protocol/signatures.h"

namespace matrix {

struct XMatrix {
    ServerName origin;
    std::optional<ServerName> destination;  ///< Absent from servers older than v1.3.
    KeyId key_id;
    std::string signature;  ///< Raw bytes.
};

/// Why a header is no X-Matrix authorization.
struct XMatrixError {
    std::string what;  ///< What was expected.
};

/// Parses one `Authorization` header: RFC 9110 parameters, quoted or tokens, any order, unknown
/// ones ignored. A parameter that is given twice is refused.
///
/// SPEC-BUG: https://spec.matrix.org/v1.19/server-server-api/#request-authentication lists a parameter
/// `signature`; its example and all servers call it `sig`, and so do we.
std::expected<XMatrix, XMatrixError> parse_x_matrix(std::string_view header);

/// The header's value.
std::string write_x_matrix(const XMatrix& authorization);

/// The bytes that are signed: method, raw target, origin, destination and the JSON body if there is
/// one, as canonical JSON.
std::string write_request_to_sign(std::string_view method,
                                  std::string_view target,
                                  const ServerName& origin,
                                  const ServerName& destination,
                                  const json::Value* content);

/// The header's value for a request of ours.
std::string authorize_request(std::string_view method,
                              std::string_view target,
                              const ServerName& origin,
                              const ServerName& destination,
                              const json::Value* content,
                              const Signer& signer);

}  // namespace matrix
