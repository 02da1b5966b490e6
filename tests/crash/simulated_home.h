// SimulatedHome: the server that crashes, one process after the other over one simulated disk.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "refserver/engine/server.h"
#include "simulator/simulated_disk.h"
#include "simulator/simulated_dns.h"
#include "simulator/simulated_durability.h"
#include "simulator/simulated_loop.h"
#include "simulator/simulated_network.h"
#include "simulator/simulated_random.h"
#include "simulator/virtual_time.h"

namespace matrix::crash {

/// Cache, log and pages as small as they can be, so that pages spill and checkpoints run often.
storage::DatabaseOptions small_database();
/// An empty database of the newest schema, so that lives do not begin with its making.
void make_empty_database(simulator::SimulatedDisk& disk);

/// A process that has died says nothing any more: what it still tries to send is dropped.
class SimulatedHome {
public:
    struct World {
        simulator::VirtualTime& time;
        simulator::SimulatedNetwork& network;
        simulator::SimulatedDns& dns;
        std::uint64_t seed;
    };
    /// `watch` sees each request of another server and what it is answered, when that leaves.
    using Watch = std::function<void(const runtime::HttpRequest&, const runtime::HttpResponse&)>;
    SimulatedHome(World world,
                  const simulator::SimulatedDisk& image,
                  engine::ServerOptions options,
                  Watch watch);
    SimulatedHome(const SimulatedHome&) = delete;
    SimulatedHome& operator=(const SimulatedHome&) = delete;
    ~SimulatedHome();

    simulator::SimulatedDisk& disk() { return disk_; }
    /// Starts a process; an error also when the disk fails meanwhile.
    std::expected<void, storage::StorageError> start();
    /// Is there a process, and does it run?
    bool is_alive() const;
    /// The end of the process, also of one that has died.
    void end();
    engine::Server& engine();
    /// Runs `job` as a turn of the process.
    void turn(std::function<void()> job);

    /// Serves a client; nothing, at once or later, means that the connection broke.
    using Answered = std::move_only_function<void(std::optional<runtime::HttpResponse>)>;
    void handle(runtime::HttpRequest request, Answered done);

private:
    struct Process;
    void deliver(runtime::HttpRequest request, runtime::Responder respond);

    World world_;
    simulator::SimulatedDisk disk_;
    engine::ServerOptions options_;
    Watch watch_;
    int host_;
    std::uint64_t processes_ = 0;
    std::unique_ptr<Process> process_;
};

}  // namespace matrix::crash
