// InteractiveAuth: requests that a client repeats until it has passed the stages of a flow.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api
#pragma once

#include <deque>
#include <string>

#include "refserver/engine/error.h"
#include "refserver/runtime/random.h"

namespace matrix::engine {

/// The only flow here is the dummy stage; sessions are in memory, the oldest are forgotten first.
class InteractiveAuth {
public:
    explicit InteractiveAuth(runtime::RandomSource& random) : random_(random) {}
    InteractiveAuth(const InteractiveAuth&) = delete;
    InteractiveAuth& operator=(const InteractiveAuth&) = delete;

    /// Has the request with this body passed a flow? If not, the error is the 401 that tells the
    /// client what to do. A session ends with its success.
    Result<void> check(const json::Object& body);

private:
    std::string start_session();
    bool is_known(std::string_view session) const;

    runtime::RandomSource& random_;
    std::deque<std::string> sessions_;  ///< The oldest first.
};

}  // namespace matrix::engine
