#include "tests/crash/simulated_home.h"

#include <optional>
#include <utility>

#include "refserver/base/assert.h"

namespace matrix::crash {

storage::DatabaseOptions small_database() {
    return {.cache_kibibytes = 64, .checkpoint_pages = 100, .page_bytes = 1024};
}

void make_empty_database(simulator::SimulatedDisk& disk) {
    const auto database = storage::Database::open(disk, "homeserver.db", small_database());
    MATRIX_ASSERT(database.has_value());
    MATRIX_ASSERT((*database)->checkpoint().has_value());
}

namespace {

/// The network as a process sees it: one that is dead sends nothing.
class NetworkOfTheLiving final : public runtime::Network {
public:
    NetworkOfTheLiving(std::unique_ptr<runtime::Network> network, std::function<bool()> is_alive)
        : network_(std::move(network)), is_alive_(std::move(is_alive)) {}

    runtime::Pending send(runtime::OutgoingRequest request,
                          std::move_only_function<void(Result)> done) override {
        if (!is_alive_()) return {};
        return network_->send(std::move(request), std::move(done));
    }

private:
    std::unique_ptr<runtime::Network> network_;
    std::function<bool()> is_alive_;
};

/// What goes wrong is judged by answers, not by what is said of it.
class QuietLog final : public runtime::Log {
    bool is_enabled(runtime::LogLevel) const override { return false; }
    void take(const runtime::LogLine&) override {}
};

/// Answers once; destroyed before that, it says that the connection broke.
class Connection {
public:
    explicit Connection(SimulatedHome::Answered done) : done_(std::move(done)) {}
    Connection(Connection&&) = default;
    Connection& operator=(Connection&&) = delete;
    ~Connection() {
        if (done_) std::exchange(done_, nullptr)(std::nullopt);
    }
    void answer(runtime::HttpResponse response) {
        if (done_) std::exchange(done_, nullptr)(std::move(response));
    }

private:
    SimulatedHome::Answered done_;
};

}  // namespace

struct SimulatedHome::Process {
    Process(const World& world, simulator::SimulatedDisk& disk, int host, std::uint64_t number)
        : random(world.seed * 1'000'003 + number),
          executor(world.time, host),
          clock(world.time, executor, host),
          workers(world.time, executor, random.stream("workers"), host),
          durability(disk,
                     clock,
                     random.stream("durability"),
                     {.on_failure = [this] { is_ended = true; }}),
          network(world.network.view_of(host),
                  [&disk, this] { return disk.has_power() && !is_ended; }),
          resolver(world.dns.view_of(host)) {}

    bool is_ended = false;  ///< By a sync that failed.
    simulator::SimulatedRandomSource random;
    simulator::SimulatedExecutor executor;
    simulator::SimulatedClock clock;
    simulator::SimulatedWorkers workers;
    QuietLog log;
    simulator::SimulatedDurability durability;
    NetworkOfTheLiving network;
    std::unique_ptr<runtime::Resolver> resolver;
    std::unique_ptr<engine::Server> server;
};

SimulatedHome::SimulatedHome(World world,
                             const simulator::SimulatedDisk& image,
                             engine::ServerOptions options,
                             Watch watch)
    : world_(world),
      disk_(image, world.seed),
      options_(std::move(options)),
      watch_(std::move(watch)),
      host_(world.network.add_host(
          options_.server_name.text(),
          [this](runtime::HttpRequest request, runtime::Responder respond) {
              deliver(std::move(request), std::move(respond));
          },
          [this](std::move_only_function<void()> job) {
              // Without a process a request has to break, and an answer goes nowhere.
              if (!is_alive()) return job();
              process_->executor.run_turn(std::move(job));
          })) {}

SimulatedHome::~SimulatedHome() = default;

std::expected<void, storage::StorageError> SimulatedHome::start() {
    MATRIX_ASSERT(process_ == nullptr);
    process_ = std::make_unique<Process>(world_, disk_, host_, processes_++);
    Process& process = *process_;
    auto opened = engine::Server::open({process.executor,
                                        process.clock,
                                        process.random,
                                        process.network,
                                        *process.resolver,
                                        process.workers,
                                        disk_,
                                        process.durability,
                                        process.log},
                                       options_);
    if (!opened) return std::unexpected(std::move(opened).error());
    process.server = *std::move(opened);
    process.executor.run_turn([] {});  // The first commit: what opening has written.
    if (!disk_.has_power()) return std::unexpected(storage::StorageError{"the power failed"});
    return {};
}

bool SimulatedHome::is_alive() const {
    return process_ && process_->server && !process_->is_ended && disk_.has_power();
}

void SimulatedHome::end() {
    // Connections break while the process goes: nobody may find a part of it.
    const auto ending = std::exchange(process_, nullptr);
}

engine::Server& SimulatedHome::engine() {
    MATRIX_ASSERT(process_ && process_->server);
    return *process_->server;
}

void SimulatedHome::turn(std::function<void()> job) {
    MATRIX_ASSERT(process_);
    process_->executor.run_turn(std::move(job));
}

void SimulatedHome::handle(runtime::HttpRequest request, Answered done) {
    Connection connection(std::move(done));
    if (!is_alive()) return;
    process_->executor.run_turn([&] {
        process_->server->handle(
            std::move(request),
            [this, connection = std::move(connection)](runtime::HttpResponse response) mutable {
                if (is_alive()) connection.answer(std::move(response));
            });
    });
}

void SimulatedHome::deliver(runtime::HttpRequest request, runtime::Responder respond) {
    runtime::HttpRequest copy = request;
    handle(std::move(request),
           [this, copy = std::move(copy), respond = std::move(respond)](
               std::optional<runtime::HttpResponse> response) mutable {
               if (response) watch_(copy, *response);
               respond(response ? *std::move(response) : runtime::HttpResponse{502, {}, "{}"});
           });
}

}  // namespace matrix::crash
