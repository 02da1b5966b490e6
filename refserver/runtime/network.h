// Network: requests to other servers.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>

#include "refserver/runtime/clock.h"
#include "refserver/runtime/http.h"
#include "refserver/runtime/pending.h"

namespace matrix::runtime {

/// Where a request goes. The host names the certificate; what connects to it is the platform's.
struct Destination {
    std::string host;  ///< A name or an IP literal, IPv6 without brackets.
    std::uint16_t port = 8448;
    bool is_encrypted = true;
    std::string host_header;  ///< The `Host` field.
};

struct OutgoingRequest {
    Destination destination;
    HttpRequest message;
    Duration timeout = seconds(30);
    std::size_t body_bytes_max = 64 * 1024 * 1024;  ///< Of the response.
};

enum class NetworkErrorKind {
    Unreachable,  ///< No address, refused, or reset before an answer.
    Tls,          ///< The certificate or the handshake.
    Timeout,
    TooLarge,
    Forbidden,  ///< An address that this server does not talk to.
};
struct NetworkError {
    NetworkErrorKind kind;
    std::string what;
};

class Network {
public:
    using Result = std::expected<HttpResponse, NetworkError>;
    virtual ~Network() = default;

    /// Sends one request and calls back once, on the loop. Redirects are not followed.
    virtual Pending send(OutgoingRequest request, std::move_only_function<void(Result)> done) = 0;

    /// `co_await network.fetch(std::move(request));`
    Completion<Result> fetch(OutgoingRequest request) {
        return Completion<Result>(
            [this, request = std::move(request)](Completion<Result>::Done done) mutable {
                return send(std::move(request), std::move(done));
            });
    }
};

}  // namespace matrix::runtime
