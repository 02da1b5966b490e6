// The simulated network: whole HTTP messages between servers, with latency and all that goes wrong.
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
#include "simulator/link_trouble.h"
#include "simulator/scenario/scenario.h"
#include "simulator/trace.h"
#include "simulator/virtual_time.h"

namespace matrix::simulator {

/// A server's end of the network: what runs a request there, within a turn of its loop. A responder
/// that is destroyed before it was called is a connection that broke.
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

    /// Adds a host and gives its number. While it is not up, connections to it are refused.
    int add_host(
        std::string name, Deliver deliver, RunTurn run_turn, std::function<bool()> is_up = [] {
            return true;
        });
    /// The address at which every host is reached, by its number.
    static std::string address_of(int host);
    /// The address of the host with this name; nothing if there is none.
    std::optional<std::string> find_address(std::string_view name) const;
    /// Runs `job` in a turn of this host, after a drawn time.
    runtime::Pending call_later(int host, std::move_only_function<void()> job);
    /// The network as the server with this number sees it. A host that is not up sends nothing.
    std::unique_ptr<runtime::Network> view_of(int host);

    /// All that goes wrong from now on; messages that a clog held, and that no other holds, go.
    void set_troubles(std::vector<LinkTrouble> troubles);
    /// Hosts talk only within their group; all are in group 0 at the start, and those stay there
    /// whose number is beyond the end. In place of all other troubles.
    void split(const std::vector<int>& group_of_host);
    void heal() { set_troubles({}); }

    std::uint64_t delivered() const { return delivered_; }
    const TroubleCounts& counts() const { return counts_; }

private:
    class View;
    class Answering;
    struct Host {
        std::string name;
        Deliver deliver;
        RunTurn run_turn;
        std::function<bool()> is_up;
    };
    struct Exchange;
    /// What was drawn for one message.
    struct Passage;
    struct Held {
        int from;
        int to;
        std::move_only_function<void()> go;
    };

    void start(const std::shared_ptr<Exchange>& exchange, runtime::OutgoingRequest request);
    bool is_stopped_on_the_way(const std::shared_ptr<Exchange>& exchange,
                               const runtime::HttpRequest& message);
    void carry_request(const std::shared_ptr<Exchange>& exchange, runtime::HttpRequest message);
    void arrive(std::shared_ptr<Exchange> exchange, runtime::HttpRequest message);
    void answer(std::shared_ptr<Exchange> exchange, runtime::HttpResponse response);
    void fail(const std::shared_ptr<Exchange>& exchange,
              std::int64_t delay_us,
              runtime::NetworkErrorKind kind,
              std::string what);
    void finish(const std::shared_ptr<Exchange>& exchange, runtime::Network::Result result);
    void set_out(const Passage& passage,
                 const std::shared_ptr<Exchange>& exchange,
                 int to,
                 std::move_only_function<void()> arrive);

    void note_lost(int from, int to, const std::string& what);
    void record_refused(int from, int to, const runtime::HttpRequest& message);
    Passage draw_passage(int from, int to, std::size_t bytes);
    void apply(const LinkTrouble& trouble, runtime::Random& random, Passage& passage);
    bool is_cut(int from, int to) const;
    bool is_clogged(int from, int to) const;
    const LinkOptions& options_of(int from, int to) const;
    std::int64_t draw_latency_us(int from, int to);
    runtime::Random& random_of(int from, int to);

    VirtualTime& time_;
    runtime::RandomSource& random_;
    Trace& trace_;
    LinkOptions default_link_;
    /// From a host to another, by their numbers plus one: -1 is nowhere. A thousand servers have a
    /// million of them. Null: not drawn from yet.
    std::vector<std::vector<runtime::Random*>> streams_;
    std::vector<Host> hosts_;
    std::map<std::string, int, std::less<>> numbers_;  ///< By name.
    std::map<std::string, int, std::less<>> addressed_;
    std::vector<LinkTrouble> troubles_;
    std::vector<Held> held_;  ///< In the order of sending.
    std::uint64_t delivered_ = 0;
    TroubleCounts counts_;
};

}  // namespace matrix::simulator
