// HTTP requests over libcurl: any method, any raw target, any header, any bytes as the body.
//
// Connections are kept alive and reused. Each exchange is noted in the run's `ExchangeLog`, with
// access tokens masked.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "conformance/harness/exchange_log.h"
#include "conformance/harness/response.h"

namespace matrix::conformance {

/// How to reach one server and whom to trust.
struct HttpOptions {
    std::string base_url;      ///< Scheme, host and port, without a slash at the end.
    std::string ca_file;       ///< PEM of further authorities; empty: the system's alone.
    bool verifies_tls = true;  ///< False with --insecure.
    std::string who;           ///< In records, whose request it is: "client", "peer".
    /// No request goes on after this time, whatever its own timeout.
    std::optional<std::chrono::steady_clock::time_point> give_up_at = std::nullopt;
    std::string connect_to = {};  ///< `host:port` to connect to instead of the URL's; may be empty.
};

struct HttpRequest {
    std::string method = "GET";
    std::string target;    ///< Raw path and query, sent as it stands: encode with `escape`.
    Headers headers = {};  ///< Beside Host and Content-Length.
    std::optional<std::string> body = std::nullopt;
    std::string content_type = "application/json";  ///< Of the body; empty: no such header.
    std::chrono::milliseconds timeout{10'000};
    std::string who = {};  ///< In records; empty: the client's own.
};

/// Thread-safe: requests may run side by side, each on a connection of its own.
class HttpClient {
public:
    HttpClient(HttpOptions options, ExchangeLog& log);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    /// Always returns: failures of the transport are in the response.
    Response send(const HttpRequest& request);
    const HttpOptions& options() const { return options_; }

private:
    class Handle;
    std::unique_ptr<Handle> take_handle();
    void give_back(std::unique_ptr<Handle> handle);

    HttpOptions options_;
    ExchangeLog& log_;
    struct Idle;
    std::unique_ptr<Idle> idle_;
};

}  // namespace matrix::conformance
