// Network: requests to other servers.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>

#include "refserver/runtime/clock.h"
#include "refserver/runtime/http.h"
#include "refserver/runtime/pending.h"

namespace matrix::runtime {

/// Who may decide whether an address is connected to.
enum class AddressTrust {
    Judged,     ///< It came from outside: the platform's policy.
    Appointed,  ///< The person who runs this server has named it.
};

/// Where a request goes. Names have been resolved before: nothing here is looked up again, so that
/// what was judged is what is connected to.
struct Destination {
    /// The name that the certificate must have, and SNI unless it is an IP literal; IPv6 without
    /// brackets.
    std::string host;
    std::uint16_t port = 8448;
    bool is_encrypted = true;
    std::string host_header;  ///< The `Host` field.
    std::string address;      ///< The IP address to connect to; empty: `host` is one.
    AddressTrust trust = AddressTrust::Judged;

    const std::string& connect_to() const { return address.empty() ? host : address; }
};

struct OutgoingRequest {
    Destination destination;
    HttpRequest message;
    Duration timeout = seconds(30);
    std::size_t body_bytes_max = 64 * 1024 * 1024;  ///< Of the response.
};

enum class NetworkErrorKind {
    Unreachable,  ///< No connection: nothing of the request was sent.
    Tls,          ///< The certificate or the handshake: nothing was sent.
    Forbidden,    ///< An address that this server does not talk to: nothing was sent.
    Interrupted,  ///< The connection ended before the answer did.
    Timeout,      ///< Of the answer.
    TooLarge,
};
/// May the same request go to another address? Nobody has seen it.
bool is_before_sending(NetworkErrorKind kind);
/// "unreachable", "tls", ...: for logs and counters.
std::string_view name_of(NetworkErrorKind kind);

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
