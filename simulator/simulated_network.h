// The simulated network: whole HTTP messages between servers, with latency, loss and splits.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "refserver/runtime/network.h"
#include "refserver/runtime/random.h"
#include "simulator/scenario/scenario.h"
#include "simulator/trace.h"
#include "simulator/virtual_time.h"

namespace matrix::simulator {

/// A server's end of the network: what runs a request there, within a turn of its loop.
using Deliver = std::function<void(runtime::HttpRequest, runtime::Responder)>;
/// Runs a job in a turn of a server's loop.
using RunTurn = std::function<void(std::move_only_function<void()>)>;

class SimulatedNetwork {
public:
    /// Each link draws from a stream of its own: what happens on one changes no other.
    SimulatedNetwork(VirtualTime& time,
                     runtime::RandomSource& random,
                     Trace& trace,
                     LinkOptions link)
        : time_(time), random_(random), trace_(trace), default_link_(link) {}
    SimulatedNetwork(const SimulatedNetwork&) = delete;
    SimulatedNetwork& operator=(const SimulatedNetwork&) = delete;

    /// Adds a host and gives its number.
    int add_host(std::string name, Deliver deliver, RunTurn run_turn);
    /// The address at which every host is reached, by its number.
    static std::string address_of(int host);
    /// The address of the host with this name; nothing if there is none.
    std::optional<std::string> find_address(std::string_view name) const;
    /// Runs `job` in a turn of this host, after a drawn time.
    runtime::Pending call_later(int host, std::move_only_function<void()> job);
    /// The network as the server with this number sees it.
    std::unique_ptr<runtime::Network> view_of(int host);

    /// Hosts talk only within their group; all are in group 0 at the start, and those stay there
    /// whose number is beyond the end.
    void split(const std::vector<int>& group_of_host);
    void heal();
    bool is_split() const { return is_split_; }

    std::uint64_t delivered() const { return delivered_; }
    std::uint64_t lost() const { return lost_; }

private:
    class View;
    struct Host {
        std::string name;
        Deliver deliver;
        RunTurn run_turn;
        int group = 0;
    };
    struct Exchange;
    struct Link {
        LinkOptions options;
        runtime::Random& random;
    };

    void start(std::shared_ptr<Exchange> exchange, runtime::OutgoingRequest request);
    void arrive(std::shared_ptr<Exchange> exchange, runtime::HttpRequest message);
    void answer(std::shared_ptr<Exchange> exchange, runtime::HttpResponse response);
    void finish(const std::shared_ptr<Exchange>& exchange, runtime::Network::Result result);
    bool is_connected(int a, int b) const { return hosts_[a].group == hosts_[b].group; }
    Link& link(int from, int to);
    void note_lost(int from, int to, const std::string& what);
    static bool is_lost(Link& link);
    static std::int64_t draw_latency_us(Link& link);

    VirtualTime& time_;
    runtime::RandomSource& random_;
    Trace& trace_;
    LinkOptions default_link_;
    std::map<std::pair<int, int>, Link> links_;  ///< From a host to another.
    std::vector<Host> hosts_;
    std::map<std::string, int, std::less<>> numbers_;  ///< By name.
    std::map<std::string, int, std::less<>> addressed_;
    bool is_split_ = false;
    std::uint64_t delivered_ = 0;
    std::uint64_t lost_ = 0;
};

}  // namespace matrix::simulator
