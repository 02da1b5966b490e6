// A request to a running server, of the commands that need one.
#pragma once

#include <expected>
#include <string>

#include "refserver/platform/socket_address.h"
#include "refserver/protocol/json.h"
#include "refserver/runtime/clock.h"

namespace matrix::admin {

/// A running server, as its ready line tells it.
struct RunningServer {
    platform::SocketAddress address;
    std::string token;
};

struct ServerRequest {
    std::string method = "GET";
    std::string target;
    std::string body = {};  ///< JSON; empty: none.
    runtime::Duration timeout = runtime::seconds(60);
    std::size_t answer_bytes_max = 64 * 1024 * 1024;
};

/// The body of the answer; a sentence if there is none, or it is not a 200.
std::expected<std::string, std::string> ask_server(const RunningServer& server,
                                                   ServerRequest request);
/// The same of an answer that is a JSON object.
std::expected<json::Object, std::string> ask_for_object(const RunningServer& server,
                                                        ServerRequest request);

}  // namespace matrix::admin
