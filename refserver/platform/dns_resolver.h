// DnsResolver: asks DNS with c-ares, on one thread of its own, which the first question starts.
//
// Addresses come from the hosts file and from DNS, in the order of RFC 6724. Names are absolute:
// the search list of the system is not used, or a stranger's name could become one of ours.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "refserver/platform/socket_address.h"
#include "refserver/runtime/executor.h"
#include "refserver/runtime/resolver.h"

namespace matrix::platform {

struct DnsResolverOptions {
    /// `ADDRESS:PORT`, comma separated; empty: those of the system, as they are at the first
    /// question.
    std::string servers;
    /// For each try and server; later tries take longer.
    std::chrono::milliseconds timeout{2'000};
    int tries = 2;
    std::size_t questions_max = 4096;  ///< In flight; more fail.
};

class DnsResolver final : public runtime::Resolver {
public:
    DnsResolver(runtime::Executor& executor, DnsResolverOptions options);
    DnsResolver(const DnsResolver&) = delete;
    DnsResolver& operator=(const DnsResolver&) = delete;
    /// Drops what has not been answered.
    ~DnsResolver() override;

    runtime::Pending resolve_host(std::string host,
                                  std::move_only_function<void(Addresses)> done) override;
    runtime::Pending resolve_service(std::string name,
                                     std::move_only_function<void(Services)> done) override;

private:
    struct Implementation;
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace matrix::platform
