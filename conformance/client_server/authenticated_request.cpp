#include "conformance/client_server/authenticated_request.h"

#include <algorithm>

#include "conformance/harness/steps.h"

namespace matrix::conformance {
namespace {

constexpr int kStagesMax = 5;

// The stage to pass next, of the first flow that we can walk.
std::string choose_stage(const Response& response, const Client& client) {
    const Json& completed = response.at({"completed"});
    for (const Json& flow : response.at({"flows"})) {
        std::string next;
        bool is_passable = true;
        for (const Json& stage : at_path(flow, {"stages"})) {
            const bool is_password = stage == "m.login.password" && !client.password().empty();
            is_passable = is_passable && (stage == "m.login.dummy" || is_password);
            const bool is_done =
                completed.is_array() && std::ranges::find(completed, stage) != completed.end();
            if (next.empty() && !is_done && stage.is_string()) next = stage.get<std::string>();
        }
        if (is_passable && !next.empty()) return next;
    }
    skip_unsupported("the target wants an authentication that the suite cannot give");
}

}  // namespace

Response send_authenticated(const Client& client,
                            std::string_view method,
                            std::string_view target,
                            Json body) {
    Response response;
    for (int stages = 0; stages < kStagesMax; ++stages) {
        response = client.send(
            {.method = std::string(method), .target = std::string(target), .body = body.dump()});
        const bool asks = response.status == 401 && response.at({"flows"}).is_array();
        if (!asks) return response;
        const std::string stage = choose_stage(response, client);
        body["auth"] = {{"type", stage}, {"session", string_at(response.body, {"session"})}};
        if (stage == "m.login.password") {
            body["auth"]["identifier"] = {{"type", "m.id.user"}, {"user", client.user().text()}};
            body["auth"]["password"] = client.password();
        }
    }
    return response;
}

}  // namespace matrix::conformance
