// The simulated DNS: a table of answers. Hosts of the simulated network are found without one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "refserver/runtime/resolver.h"
#include "simulator/simulated_network.h"

namespace matrix::simulator {

class SimulatedDns {
public:
    explicit SimulatedDns(SimulatedNetwork& network) : network_(network) {}
    SimulatedDns(const SimulatedDns&) = delete;
    SimulatedDns& operator=(const SimulatedDns&) = delete;

    /// DNS as the server with this number sees it.
    std::unique_ptr<runtime::Resolver> view_of(int host);

    // The script, which may change at any time.

    void put_host(const std::string& name, std::vector<std::string> addresses) {
        hosts_[name] = std::move(addresses);
    }
    void put_service(const std::string& name, std::vector<runtime::ServiceRecord> records) {
        services_[name] = std::move(records);
    }
    /// Of all answers.
    void set_lifetime(runtime::Duration lifetime) { lifetime_ = lifetime; }
    /// From now on all questions for this name fail.
    void break_name(const std::string& name) { broken_[name] = runtime::ResolveErrorKind::Failed; }
    /// Questions for these names, and for services of them, fail so; all others do not.
    using Broken = std::map<std::string, runtime::ResolveErrorKind>;
    void set_broken(Broken names) { broken_ = std::move(names); }
    /// How many questions have failed because their name is broken.
    std::uint64_t failed_questions() const { return failed_questions_; }

    /// What was asked, in its order: names of hosts and services.
    const std::vector<std::string>& questions() const { return questions_; }

private:
    class View;
    std::optional<runtime::ResolveError> find_failure(const std::string& name);
    runtime::Resolver::Addresses find_host(const std::string& name);
    runtime::Resolver::Services find_service(const std::string& name);

    SimulatedNetwork& network_;
    std::map<std::string, std::vector<std::string>> hosts_;
    std::map<std::string, std::vector<runtime::ServiceRecord>> services_;
    Broken broken_;
    std::uint64_t failed_questions_ = 0;
    runtime::Duration lifetime_ = runtime::seconds(300);
    std::vector<std::string> questions_;
};

}  // namespace matrix::simulator
