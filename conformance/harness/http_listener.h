// An HTTP or HTTPS server with one handler for everything, for the parts that the suite plays:
// federation peers, and the fakes of its own tests.
//
// Routing is the handler's, over the raw target: ids contain `%2F`.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "conformance/harness/certificates.h"
#include "conformance/harness/response.h"

namespace matrix::conformance {

struct IncomingRequest {
    std::string method;
    std::string target;  ///< Raw path and query.
    Headers headers;
    std::string body;

    std::string_view path() const;                                ///< Raw, without the query.
    std::vector<std::string> segments() const;                    ///< Of the path, decoded.
    std::vector<std::string> query(std::string_view name) const;  ///< All values, decoded.
    Json json() const;  ///< The body; null if it is no JSON.
};

struct OutgoingResponse {
    int status = 200;
    std::string body;
    std::string content_type = "application/json";
    Headers headers = {};
};
OutgoingResponse respond(int status, const Json& body);
OutgoingResponse respond_error(int status, std::string_view errcode, std::string_view error);

/// Listens from construction to destruction, with a thread for each connection.
class HttpListener {
public:
    using Handler = std::function<OutgoingResponse(const IncomingRequest&)>;

    /// `host` and port as in "127.0.0.1:0"; port 0 takes a free one. With `identity` it speaks TLS.
    /// `failure()` says why it does not listen, if it does not.
    HttpListener(const std::string& bind_address, const TlsIdentity* identity, Handler handler);
    ~HttpListener();
    HttpListener(const HttpListener&) = delete;
    HttpListener& operator=(const HttpListener&) = delete;

    int port() const;
    const std::string& failure() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace matrix::conformance
