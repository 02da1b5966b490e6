// Cluster: simulated servers, their users and the network between them, over one virtual time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "refserver/protocol/json.h"
#include "refserver/runtime/task.h"
#include "refserver/runtime/task_group.h"
#include "simulator/choices.h"
#include "simulator/simulated_dns.h"
#include "simulator/simulated_loop.h"
#include "simulator/simulated_network.h"
#include "simulator/simulated_server.h"
#include "simulator/trace.h"
#include "simulator/virtual_time.h"

namespace matrix::simulator {

using runtime::Task;
class Saboteur;
class Wiretap;

/// Which signatures servers make; the trace is the same.
enum class Crypto { Simulated, Real };

struct ClusterOptions {
    int servers = 10;
    int users_per_server = 2;
    std::uint64_t identity_seed = 1;  ///< Of identifiers, keys and tokens.
    Choices::Settings choices = {.seed = 1};
    Crypto crypto = Crypto::Simulated;
    LinkOptions link = {};
    runtime::LogLevel log_level = runtime::LogLevel::Error;
    bool has_pointer_draw = false;        ///< Plants a draw that no seed decides.
    std::ostream* trace_lines = nullptr;  ///< Gets the trace as JSON lines; null: nothing does.
    Recorder* recorder = nullptr;         ///< Writes down what happens; null: nobody does.
    Saboteur* saboteur = nullptr;         ///< Of a planted bug (planted/planted_bug.h); null: none.
    const Wiretap* wiretap = nullptr;     ///< Hears answers; null: nobody does.
};

/// What a server answered to a user.
struct Answer {
    int status = 0;  ///< 0: it could not be reached, or broke the connection.
    json::Value body;
    bool is_ok() const { return status == 200; }
};

/// A user at a client, which talks to its own server over a short wire.
struct User {
    UserId id;
    int server = 0;
    std::string access_token;
};

class Cluster {
public:
    explicit Cluster(const ClusterOptions& options);
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    /// A request of the client-server API; the target is percent-encoded already.
    Task<Answer> call(User user, std::string method, std::string target, json::Value body = {});

    /// Runs virtual time until `is_done` (asked once a virtual second), at most for `limit_us`.
    bool run_until(std::int64_t limit_us, const std::function<bool()>& is_done);
    /// Are all servers up, and their queues to other servers empty?
    bool is_quiet();
    /// How many events of all servers wait for what comes before them.
    std::int64_t count_unplaced();

    const ClusterOptions& options() const { return options_; }
    Trace& trace() { return trace_; }
    VirtualTime& time() { return time_; }
    /// Where the users' own code runs and waits.
    runtime::Clock& clock() { return clock_; }
    runtime::TaskGroup& tasks() { return tasks_; }
    Choices& choices() { return choices_; }
    SimulatedNetwork& network() { return network_; }
    SimulatedDns& dns() { return dns_; }
    SimulatedServer& server(int number) { return *servers_[static_cast<std::size_t>(number)]; }
    int server_count() const { return static_cast<int>(servers_.size()); }
    const std::vector<User>& users() const { return users_; }

private:
    ClusterOptions options_;
    Trace trace_;
    VirtualTime time_;
    Choices choices_;
    SimulatedExecutor executor_;
    SimulatedClock clock_;
    SimulatedNetwork network_;
    SimulatedDns dns_{network_};
    storage::EventPool events_;
    std::vector<std::unique_ptr<SimulatedServer>> servers_;
    std::vector<User> users_;
    runtime::TaskGroup tasks_;
};

}  // namespace matrix::simulator
