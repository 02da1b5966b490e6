#include "refserver/engine/client/interactive_auth.h"

#include <algorithm>

#include "refserver/base/result_macros.h"
#include "refserver/engine/http_api.h"

namespace matrix::engine {
namespace {

constexpr std::size_t kSessionsMax = 1000;

std::unexpected<Error> demand(std::string session,
                              std::string_view stage,
                              std::string_view errcode,
                              std::string why) {
    json::Object flow{{"stages", json::Array{stage}}};
    json::Object body{{"completed", json::Array{}},
                      {"flows", json::Array{std::move(flow)}},
                      {"params", json::Object{}},
                      {"session", std::move(session)}};
    return std::unexpected(Error{401, std::string(errcode), std::move(why), std::move(body)});
}

}  // namespace

std::string InteractiveAuth::start_session() {
    if (sessions_.size() == kSessionsMax) sessions_.pop_front();
    return sessions_.emplace_back(random_.stream("interactive_auth").text(24, runtime::kLetters));
}

bool InteractiveAuth::is_known(std::string_view session) const {
    return std::ranges::find(sessions_, session) != sessions_.end();
}

Result<InteractiveAuth::Attempt> InteractiveAuth::begin(const json::Object& body,
                                                        std::string_view stage) {
    ASSIGN_OR_RETURN(const auto auth, optional_object(body, "auth"));
    if (!auth) return demand(start_session(), stage, "", "");
    ASSIGN_OR_RETURN(const auto session, optional_string(*auth, "session"));
    ASSIGN_OR_RETURN(const auto type, optional_string(*auth, "type"));

    if (session && !is_known(*session)) {
        return demand(start_session(), stage, "M_UNKNOWN", "auth.session: not a session of ours");
    }
    std::string current = session ? *session : start_session();
    if (!type) return demand(std::move(current), stage, "", "");
    if (*type != stage) {
        return demand(std::move(current),
                      stage,
                      "M_UNRECOGNIZED",
                      "auth.type: expected " + std::string(stage));
    }
    // UNSPECIFIED: a stage also passes without a session, because clients in use send it at once;
    // there is nothing that the first answer would have told them.
    return Attempt{std::move(current), *auth};
}

void InteractiveAuth::finish(const Attempt& attempt) {
    std::erase(sessions_, attempt.session);
}

std::unexpected<Error> InteractiveAuth::refuse(const Attempt& attempt,
                                               std::string_view stage,
                                               std::string why) {
    return demand(attempt.session, stage, "M_FORBIDDEN", std::move(why));
}

Result<void> InteractiveAuth::check(const json::Object& body) {
    ASSIGN_OR_RETURN(const Attempt attempt, begin(body, kDummyStage));
    finish(attempt);
    return {};
}

}  // namespace matrix::engine
