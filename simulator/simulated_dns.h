// The simulated DNS: a table of answers. Hosts of the simulated network are found without one.
#pragma once

#include <map>
#include <memory>
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
    void break_name(const std::string& name) { broken_[name] = true; }

    /// What was asked, in its order: names of hosts and services.
    const std::vector<std::string>& questions() const { return questions_; }

private:
    class View;
    runtime::Resolver::Addresses find_host(const std::string& name);
    runtime::Resolver::Services find_service(const std::string& name);

    SimulatedNetwork& network_;
    std::map<std::string, std::vector<std::string>> hosts_;
    std::map<std::string, std::vector<runtime::ServiceRecord>> services_;
    std::map<std::string, bool> broken_;
    runtime::Duration lifetime_ = runtime::seconds(300);
    std::vector<std::string> questions_;
};

}  // namespace matrix::simulator
