// Resolver: what DNS knows of names.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "refserver/runtime/clock.h"
#include "refserver/runtime/completion.h"
#include "refserver/runtime/pending.h"

namespace matrix::runtime {

/// One SRV record. Spec: RFC 2782.
struct ServiceRecord {
    std::string target;  ///< A host name without the dot at its end; empty: there is no service.
    std::uint16_t port = 0;
    std::uint16_t priority = 0;  ///< The least first.
    std::uint16_t weight = 0;    ///< Within one priority: a share of the traffic.
};

enum class ResolveErrorKind {
    NotFound,  ///< The name does not exist, or has no such records.
    Failed,    ///< No answer, or one that says nothing.
};
struct ResolveError {
    ResolveErrorKind kind;
    std::string what;
};

/// Never empty: a name without addresses is an error.
struct HostAddresses {
    std::vector<std::string> addresses;  ///< IP literals, IPv6 without brackets; the best first.
    Duration lifetime;
};
/// Never empty, in the order of the answer.
struct ServiceRecords {
    std::vector<ServiceRecord> records;
    Duration lifetime;
};

/// Calls back once, on the loop, after seconds at the latest.
class Resolver {
public:
    using Addresses = std::expected<HostAddresses, ResolveError>;
    using Services = std::expected<ServiceRecords, ResolveError>;
    virtual ~Resolver() = default;

    /// The IP addresses of a host, over CNAME, AAAA and A records.
    virtual Pending resolve_host(std::string host,
                                 std::move_only_function<void(Addresses)> done) = 0;
    /// The SRV records of a name like `_matrix-fed._tcp.example.org`.
    virtual Pending resolve_service(std::string name,
                                    std::move_only_function<void(Services)> done) = 0;

    /// `co_await resolver.find_addresses("example.org");`
    Completion<Addresses> find_addresses(std::string host) {
        return Completion<Addresses>(
            [this, host = std::move(host)](Completion<Addresses>::Done done) mutable {
                return resolve_host(std::move(host), std::move(done));
            });
    }
    Completion<Services> find_services(std::string name) {
        return Completion<Services>(
            [this, name = std::move(name)](Completion<Services>::Done done) mutable {
                return resolve_service(std::move(name), std::move(done));
            });
    }
};

}  // namespace matrix::runtime
