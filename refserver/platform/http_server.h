// HttpServer: HTTP/1.1 over TCP and TLS, on one thread of its own.
//
// A request that waits for its answer costs memory and no thread. Targets stay as they were sent.
// What RFC 9112 calls ambiguous is refused here, so that no two servers in a row can disagree about
// where a request ends.
//
// Spec: https://www.rfc-editor.org/rfc/rfc9112
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "refserver/platform/certificate.h"
#include "refserver/platform/socket_address.h"
#include "refserver/runtime/executor.h"
#include "refserver/runtime/http.h"
#include "refserver/runtime/log.h"

namespace matrix::platform {

/// The answer to what is not a request: a status and one sentence. Called on the server's thread.
using PlainError = std::function<runtime::HttpResponse(int status, std::string_view detail)>;

struct HttpServerOptions {
    PlainError plain_error;  ///< Without it, the sentence as plain text.

    std::size_t head_bytes_max = 64 * 1024;
    std::size_t fields_max = 100;
    std::size_t body_bytes_max = 16 * 1024 * 1024;
    std::size_t connections_max = 16'384;

    std::chrono::milliseconds head_timeout{15'000};   ///< For the whole head, and the handshake.
    std::chrono::milliseconds body_timeout{30'000};   ///< For each 16 KiB.
    std::chrono::milliseconds write_timeout{30'000};  ///< For each 64 KiB.
    std::chrono::milliseconds idle_timeout{60'000};   ///< Between two requests.
    /// How long input is still read after the last answer: closing before would reset the answer.
    std::chrono::milliseconds linger_timeout{3'000};
    /// How long `drain` waits for answers.
    std::chrono::milliseconds drain_timeout{2'000};
};

struct HttpServerStatistics {
    std::uint64_t connections_accepted = 0;
    std::uint64_t connections_open = 0;
    std::uint64_t requests = 0;
    std::uint64_t requests_refused = 0;  ///< By this layer.
};

class HttpServer {
public:
    HttpServer(runtime::Executor& executor, runtime::Log& log, HttpServerOptions options = {});
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    /// Closes everything at once. Responders that are left do nothing.
    ~HttpServer();

    /// Binds and listens; the port says which one the system chose for 0. TLS with a certificate.
    /// Clients may connect from now on, and wait for `serve`.
    std::expected<std::uint16_t, std::string> listen(
        const SocketAddress& address, const std::optional<ServerCertificate>& certificate);

    /// Begins to take requests. `handler` is called on the executor; called once, after `listen`.
    void serve(runtime::RequestHandler handler);

    /// Takes no more connections, lets requests in progress be answered, then calls back on the
    /// executor. Whoever has no answer by `drain_timeout` gets 503.
    void drain(std::move_only_function<void()> done);

    /// From any thread.
    HttpServerStatistics statistics() const;

private:
    struct Implementation;
    std::shared_ptr<Implementation> implementation_;
};

}  // namespace matrix::platform
