// A request that the target may want to be authenticated anew, with the user's password.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api
#pragma once

#include <string>
#include <string_view>

#include "conformance/harness/client.h"

namespace matrix::conformance {

/// The answer to the request, after the stages that the target asked for: dummy or password. Skips
/// the test where it asks for others, or where the suite does not know the password.
Response send_authenticated(const Client& client,
                            std::string_view method,
                            std::string_view target,
                            Json body);

}  // namespace matrix::conformance
