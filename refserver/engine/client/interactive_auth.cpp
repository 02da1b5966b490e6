#include "refserver/engine/client/interactive_auth.h"

#include <algorithm>

#include "refserver/base/result_macros.h"
#include "refserver/engine/http_api.h"

namespace matrix::engine {
namespace {

constexpr std::size_t kSessionsMax = 1000;
constexpr std::string_view kDummyStage = "m.login.dummy";

std::unexpected<Error> demand(std::string session, std::string_view errcode, std::string why) {
    json::Object flow{{"stages", json::Array{kDummyStage}}};
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

Result<void> InteractiveAuth::check(const json::Object& body) {
    ASSIGN_OR_RETURN(const auto auth, optional_object(body, "auth"));
    if (!auth) return demand(start_session(), "", "");
    ASSIGN_OR_RETURN(const auto session, optional_string(*auth, "session"));
    ASSIGN_OR_RETURN(const auto type, optional_string(*auth, "type"));

    if (session && !is_known(*session)) {
        return demand(start_session(), "M_UNKNOWN", "auth.session: not a session of ours");
    }
    const std::string current = session ? *session : start_session();
    if (!type) return demand(current, "", "");
    if (*type != kDummyStage) {
        return demand(current, "M_UNRECOGNIZED", "auth.type: expected m.login.dummy");
    }
    // UNSPECIFIED: the dummy stage also passes without a session, because clients in use send it
    // at once; there is nothing that the first answer would have told them.
    std::erase(sessions_, current);
    return {};
}

}  // namespace matrix::engine
