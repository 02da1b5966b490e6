// A homeserver for tests of the suite: it knows three endpoints, and is wrong on purpose.
//
// It prints refserver's ready line. GET /crash ends it.

#include <cstdlib>
#include <iostream>
#include <string>

#include <unistd.h>

#include "conformance/harness/http_listener.h"

namespace matrix::conformance {
namespace {

OutgoingResponse answer_as_fake(const IncomingRequest& request) {
    const std::string_view path = request.path();
    if (path == "/_matrix/client/versions") {
        return respond(200, {{"versions", {"v1.1", "v1.5"}}, {"unstable_features", {{"x", 1}}}});
    }
    if (path == "/_matrix/client/v3/register") {
        const Json body = request.json();
        const std::string name = string_at(body, {"username"});
        if (name.empty()) {
            return respond(401, {{"flows", {{{"stages", {"m.login.dummy"}}}}}, {"session", "s"}});
        }
        return respond(200,
                       {{"user_id", "@" + name + ":fake.example"},
                        {"access_token", "token-of-" + name},
                        {"device_id", "DEVICE"}});
    }
    if (path == "/_matrix/client/v3/capabilities") {
        return respond(
            200,
            {{"capabilities",
              {{"m.room_versions", {{"default", "10"}, {"available", {{"10", "stable"}}}}}}}});
    }
    if (path == "/crash") std::_Exit(42);
    return respond_error(404, "M_UNRECOGNIZED", "no such endpoint");
}

int serve() {
    const HttpListener listener("127.0.0.1:0", nullptr, answer_as_fake);
    if (!listener.failure().empty()) return 1;
    const std::string url = "http://127.0.0.1:" + std::to_string(listener.port());
    std::cout << Json{{"url", url}, {"federation_url", url}, {"server_name", "fake.example"}}
              << std::endl;
    pause();  // Until a signal ends the process.
    return 0;
}

}  // namespace
}  // namespace matrix::conformance

int main() {
    return matrix::conformance::serve();
}
