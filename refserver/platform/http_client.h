// HttpClient: requests to other servers with libcurl, on one thread of its own.
//
// Connections are kept and used again. It connects to the IP address of the destination and looks
// up no names; each address is judged when its socket is made.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "refserver/platform/address_policy.h"
#include "refserver/runtime/executor.h"
#include "refserver/runtime/network.h"

namespace matrix::platform {

struct HttpClientOptions {
    AddressPolicy policy;
    std::string authorities_pem;  ///< Trusted besides those of the system.
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
