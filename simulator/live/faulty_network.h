// FaultyNetwork: the real network as one of our servers sees it, with the faults of its links.
//
// It also remembers what the target answered before any fault changed it: that is what the target
// is judged by.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "refserver/runtime/clock.h"
#include "refserver/runtime/network.h"
#include "simulator/live/faults.h"
#include "simulator/live/relay.h"

namespace matrix::live {

/// A request of ours that the target answered with a 5xx status.
struct FailedAnswer {
    std::string request;  ///< Method, path, and who asked.
    int status = 0;
    std::string body;            ///< Its beginning.
    bool was_disturbed = false;  ///< Faults were in force: it may have a reason that is ours.
};

/// What the target answered to our servers. Thread-safe.
class TargetAnswers {
public:
    void note(const std::string& request, int status, const std::string& body, bool was_disturbed);
    std::uint64_t count() const;
    std::vector<FailedAnswer> failures() const;

private:
    mutable std::mutex mutex_;
    std::uint64_t count_ = 0;
    std::vector<FailedAnswer> failures_;
};

/// Where the names of our servers and of the target lead.
struct Routes {
    std::string host;  ///< Of our servers' names.
    /// The port in a server's name: which server it is, and where it really listens.
    struct Place {
        std::string end;
        std::uint16_t port = 0;
    };
    std::map<std::uint16_t, Place> ours;
};

class FaultyNetwork final : public runtime::Network {
public:
    struct Services {
        runtime::Clock& clock;
        runtime::Network& network;
        Faults& faults;
        Relay& relay;
        const Routes& routes;
        TargetAnswers& answers;
        std::string target_host_header;  ///< Who asks for it asks the target.
    };
    FaultyNetwork(std::string end, Services services);
    FaultyNetwork(const FaultyNetwork&) = delete;
    FaultyNetwork& operator=(const FaultyNetwork&) = delete;

    runtime::Pending send(runtime::OutgoingRequest request,
                          std::move_only_function<void(Result)> done) override;

private:
    struct Flight;
    /// Who is asked; empty: somebody else, over a link without faults.
    std::string end_of(const runtime::Destination& destination) const;
    void lead(runtime::Destination& destination, const std::string& end);
    void depart(std::shared_ptr<Flight> flight);
    void arrive(Flight& flight, Result result);

    std::string end_;
    Services services_;
    std::map<std::string, std::uint16_t> relay_ports_;  ///< By the address of the target.
};

}  // namespace matrix::live
