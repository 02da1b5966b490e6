#include "simulator/simulated_dns.h"

#include <utility>

namespace matrix::simulator {

using runtime::Pending;
using runtime::ResolveError;
using runtime::ResolveErrorKind;

class SimulatedDns::View : public runtime::Resolver {
public:
    View(SimulatedDns& dns, int host) : dns_(dns), host_(host) {}

    Pending resolve_host(std::string host, std::move_only_function<void(Addresses)> done) override {
        return dns_.network_.call_later(
            host_, [this, host = std::move(host), done = std::move(done)]() mutable {
                done(dns_.find_host(host));
            });
    }
    Pending resolve_service(std::string name,
                            std::move_only_function<void(Services)> done) override {
        return dns_.network_.call_later(
            host_, [this, name = std::move(name), done = std::move(done)]() mutable {
                done(dns_.find_service(name));
            });
    }

private:
    SimulatedDns& dns_;
    int host_;
};

std::unique_ptr<runtime::Resolver> SimulatedDns::view_of(int host) {
    return std::make_unique<View>(*this, host);
}

// The names of a host's services end in its own.
std::optional<ResolveError> SimulatedDns::find_failure(const std::string& name) {
    for (const auto& [broken, kind] : broken_) {
        if (name != broken && !name.ends_with("." + broken)) continue;
        ++failed_questions_;
        const bool is_there = kind == ResolveErrorKind::Failed;
        return ResolveError{kind, is_there ? "no answer" : "no such name"};
    }
    return std::nullopt;
}

runtime::Resolver::Addresses SimulatedDns::find_host(const std::string& name) {
    questions_.push_back(name);
    if (const auto failure = find_failure(name)) return std::unexpected(*failure);
    const auto scripted = hosts_.find(name);
    if (scripted != hosts_.end()) return runtime::HostAddresses{scripted->second, lifetime_};
    const auto address = network_.find_address(name);
    if (address) return runtime::HostAddresses{{*address}, lifetime_};
    return std::unexpected(ResolveError{ResolveErrorKind::NotFound, "no such name"});
}

runtime::Resolver::Services SimulatedDns::find_service(const std::string& name) {
    questions_.push_back(name);
    if (const auto failure = find_failure(name)) return std::unexpected(*failure);
    const auto scripted = services_.find(name);
    if (scripted != services_.end()) return runtime::ServiceRecords{scripted->second, lifetime_};
    return std::unexpected(ResolveError{ResolveErrorKind::NotFound, "no such name"});
}

}  // namespace matrix::simulator
