// InteractiveAuth: requests that a client repeats until it has passed the stages of a flow.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "refserver/engine/error.h"
#include "refserver/runtime/random.h"

namespace matrix::engine {

inline constexpr std::string_view kDummyStage = "m.login.dummy";
inline constexpr std::string_view kPasswordStage = "m.login.password";

/// Each flow has one stage; sessions are in memory, the oldest are forgotten first.
class InteractiveAuth {
public:
    explicit InteractiveAuth(runtime::RandomSource& random) : random_(random) {}
    InteractiveAuth(const InteractiveAuth&) = delete;
    InteractiveAuth& operator=(const InteractiveAuth&) = delete;

    /// Has the request with this body passed the dummy stage? If not, the error is the 401 that
    /// tells the client what to do. A session ends with its success.
    Result<void> check(const json::Object& body);

    /// What a client brings for a stage.
    struct Attempt {
        std::string session;
        json::Object auth;
    };
    /// The same in two steps, for a stage that needs more than to be named: the caller judges the
    /// attempt, and then ends the session or refuses.
    Result<Attempt> begin(const json::Object& body, std::string_view stage);
    void finish(const Attempt& attempt);
    /// 401 M_FORBIDDEN: the client may try again in the same session.
    static std::unexpected<Error> refuse(const Attempt& attempt,
                                         std::string_view stage,
                                         std::string why);

private:
    std::string start_session();
    bool is_known(std::string_view session) const;

    runtime::RandomSource& random_;
    std::deque<std::string> sessions_;  ///< The oldest first.
};

}  // namespace matrix::engine
