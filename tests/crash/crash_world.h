// CrashWorld: a server that crashes, a peer that does not, and what both told whom.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "refserver/engine/server.h"
#include "refserver/runtime/task.h"
#include "refserver/runtime/task_group.h"
#include "simulator/simulated_network.h"
#include "simulator/trace.h"
#include "simulator/virtual_time.h"
#include "tests/crash/ledger.h"
#include "tests/crash/simulated_home.h"

namespace matrix::crash {

using runtime::Task;

enum class Side { Home, Peer };

struct Answer {
    int status = 0;
    json::Value body;
    bool is_ok() const { return status == 200; }
    /// A string of the body; empty if it is not there.
    std::string string(std::string_view key) const;
};

class CrashWorld {
public:
    /// `image` holds an empty database of the newest schema.
    CrashWorld(const simulator::SimulatedDisk& image, std::uint64_t seed);
    CrashWorld(const CrashWorld&) = delete;
    CrashWorld& operator=(const CrashWorld&) = delete;
    ~CrashWorld();

    /// Accounts that both sides have from the start: user0, user1, user2.
    static UserId user(Side side, int number);
    static ServerName name_of(Side side);

    /// A request of the client-server API, percent-encoded; nothing: the connection broke.
    Task<std::optional<Answer>> call(
        Side side, std::string user, std::string method, std::string target, json::Value body = {});
    Task<void> sleep(std::int64_t milliseconds);

    /// The next thing that happens; also looks whether the server has died of it.
    void step();
    /// Virtual time goes on for so long, whatever happens; stops when the server dies.
    void run_for(std::int64_t milliseconds);

    /// From now on called with each request of home that the peer answers with 200, before the
    /// answer leaves.
    void on_answer_of_peer(std::function<void(const runtime::HttpRequest&)> callback) {
        on_answer_of_peer_ = std::move(callback);
    }

    SimulatedHome& home() { return *home_; }
    engine::Server& peer();
    engine::Server& server(Side side) { return side == Side::Home ? home_->engine() : peer(); }
    simulator::VirtualTime& time() { return time_; }
    runtime::Timestamp now() const { return clock_.now(); }
    runtime::Random& random(std::string_view name) { return random_.stream(name); }
    runtime::TaskGroup& tasks() { return tasks_; }
    Ledger& ledger() { return ledger_; }

private:
    struct Peer;
    void note_transaction_of_peer(const runtime::HttpRequest& request,
                                  const runtime::HttpResponse& response);
    void note_transaction_to_peer(const runtime::HttpRequest& request,
                                  const runtime::HttpResponse& response);
    void serve(Side side, runtime::HttpRequest request, SimulatedHome::Answered done);

    Ledger ledger_;
    std::function<void(const runtime::HttpRequest&)> on_answer_of_peer_;
    simulator::Trace trace_;
    simulator::VirtualTime time_{trace_};
    simulator::SimulatedRandomSource random_;
    simulator::SimulatedNetwork network_;
    simulator::SimulatedDns dns_{network_};
    simulator::SimulatedExecutor executor_;
    simulator::SimulatedClock clock_;
    std::unique_ptr<Peer> peer_;
    std::unique_ptr<SimulatedHome> home_;
    runtime::TaskGroup tasks_;  ///< The clients; last: they end first.
};

}  // namespace matrix::crash
