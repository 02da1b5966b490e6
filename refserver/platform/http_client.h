// HttpClient: requests to other servers with libcurl, on one thread of its own.
//
// Connections are kept and used again. Which addresses may be reached is decided after the name was
// resolved, for each connection: a name cannot lead to a place that its owner may not reach.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "refserver/platform/socket_address.h"
#include "refserver/runtime/executor.h"
#include "refserver/runtime/network.h"

namespace matrix::platform {

/// Which addresses a request may reach.
enum class Reach {
    PublicOnly,
    Everything,  ///< Development: loopback and private networks too.
};

struct HttpClientOptions {
    Reach reach = Reach::PublicOnly;
    std::string authorities_pem;  ///< Trusted besides those of the system.
    /// Server name (`host` or `host:port`) to where to connect instead. The certificate, SNI and
    /// `Host` stay those of the name, and the address is allowed whatever `reach` says.
    std::map<std::string, SocketAddress, std::less<>> overrides;
    std::string user_agent = "touchstone";
    std::size_t idle_connections_max = 256;
    std::size_t requests_max = 4096;  ///< In flight; more are refused.
    std::chrono::milliseconds connect_timeout{10'000};
};

class HttpClient final : public runtime::Network {
public:
    HttpClient(runtime::Executor& executor, HttpClientOptions options);
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;
    /// Aborts what is in flight.
    ~HttpClient() override;

    runtime::Pending send(runtime::OutgoingRequest request,
                          std::move_only_function<void(Result)> done) override;

    /// How many connections were made so far. From any thread.
    std::uint64_t connections_opened() const;

private:
    struct Implementation;
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace matrix::platform
