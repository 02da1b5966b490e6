#include "simulator/cluster.h"

#include <utility>

#include "refserver/base/assert.h"
#include "refserver/storage/vfs.h"
#include "simulator/planted/planted_bug.h"
#include "simulator/simulated_crypto.h"
#include "simulator/template_disk.h"
#include "simulator/wiretap.h"

namespace matrix::simulator {
namespace {

constexpr int kWorldNumber = -1;
// Of the salts in logs of databases: each run begins with the same.
constexpr std::uint32_t kSqliteSeed = 1;
/// So long does each server's log of the database become, of pages of 4 KiB.
constexpr int kCheckpointPages = 200;
constexpr std::int64_t kSecondUs = 1'000'000;
// Between a client and its server.
constexpr std::int64_t kWireUsMin = 500;
constexpr std::uint64_t kWireUsRange = 2000;

// Many databases share this process's memory.
engine::ServerOptions frugal_options() {
    engine::ServerOptions options;
    options.database.cache_kibibytes = 512;
    options.database.checkpoint_pages = kCheckpointPages;
    return options;
}

engine::ServerOptions options_of(const ServerName& name,
                                 int number,
                                 const ClusterOptions& cluster) {
    engine::ServerOptions options = frugal_options();
    options.server_name = name;
    for (int user = 0; user < cluster.users_per_server; ++user) {
        options.users.push_back("user" + std::to_string(user));
    }
    if (cluster.crypto == Crypto::Simulated) {
        options.make_signer = make_simulated_signer;
        options.verifier = &simulated_verifier();
    }
    if (cluster.saboteur != nullptr)
        options.verifier = &cluster.saboteur->verifier_of(number, *options.verifier);
    return options;
}

// Every server has a seed of its own, so that one more server changes no other.
std::uint64_t seed_of(const ClusterOptions& cluster, int number) {
    return cluster.identity_seed * 1'000'003 + static_cast<std::uint64_t>(number) + 1;
}

}  // namespace

SimulatedServer::SimulatedServer(VirtualTime& time,
                                 Trace& trace,
                                 Choices& choices,
                                 SimulatedNetwork& network,
                                 SimulatedDns& dns,
                                 ServerStart start,
                                 const ClusterOptions& options,
                                 int number)
    : name_("s" + std::to_string(number) + ".test"),
      number_(number),
      saboteur_(options.saboteur),
      wiretap_(options.wiretap),
      random_(seed_of(options, number), name_.text(), trace),
      executor_(time, number),
      clock_(time, executor_, number),
      workers_(time, executor_, choices.stream(name_.text() + " workers"), number),
      log_(time, number, options.log_level),
      disk_(start.disk, seed_of(options, number)),
      durability_(disk_, clock_, choices.stream(name_.text() + " durability"), {}),
      host_(network.add_host(
          name_.text(),
          [this](runtime::HttpRequest request, runtime::Responder respond) {
              answer(std::move(request), std::move(respond));
          },
          [this](std::move_only_function<void()> job) { executor_.run_turn(std::move(job)); })),
      network_(network.view_of(host_)),
      resolver_(dns.view_of(host_)) {
    if (options.has_pointer_draw) random_.plant_pointer_draw();
    engine::ServerOptions server_options = options_of(name_, number, options);
    server_options.event_pool = &start.events;
    auto opened = engine::Server::open(
        {executor_, clock_, random_, *network_, *resolver_, workers_, disk_, durability_, log_},
        std::move(server_options));
    MATRIX_ASSERT(opened.has_value());
    engine_ = std::move(*opened);
    executor_.run_turn([] {});  // The first commit: what opening has written.
}

void SimulatedServer::answer(runtime::HttpRequest request, runtime::Responder respond) {
    if (wiretap_ != nullptr) respond = wiretap_->tap(number_, request, std::move(respond));
    if (saboteur_ != nullptr) {
        if (auto answer = saboteur_->intercept(number_, request))
            return respond(std::move(*answer));
        if (saboteur_->is_altered(number_, request)) {
            respond = [saboteur = saboteur_,
                       respond = std::move(respond)](runtime::HttpResponse response) mutable {
                saboteur->alter(response);
                respond(std::move(response));
            };
        }
    }
    engine_->handle(std::move(request), std::move(respond));
}

Cluster::Cluster(const ClusterOptions& options)
    : options_(options),
      trace_(options.trace_lines),
      time_(trace_),
      choices_(options.choices, trace_),
      executor_(time_, kWorldNumber),
      clock_(time_, executor_, kWorldNumber),
      network_(time_, choices_, trace_, options.link) {
    storage::run_sqlite_on_one_thread();
    storage::seed_sqlite_randomness(kSqliteSeed);
    const engine::ServerOptions defaults = frugal_options();
    const auto disk = make_template_disk(defaults.database, defaults.database_name);
    const ServerStart start{*disk, events_};
    for (int number = 0; number < options.servers; ++number) {
        servers_.push_back(std::make_unique<SimulatedServer>(
            time_, trace_, choices_, network_, dns_, start, options_, number));
        for (const auto& [user, token] : servers_.back()->engine().user_tokens()) {
            const UserId id(user);
            users_.push_back({id, number, token});
        }
    }
}

Task<Answer> Cluster::call(User user, std::string method, std::string target, json::Value body) {
    runtime::HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.headers.add("Authorization", "Bearer " + user.access_token);
    request.peer_address = "client";
    if (!body.is_null()) request.body = json::write(body);
    runtime::Random& wire = choices_.stream(user.id.text() + " wire");
    const std::int64_t there_us = kWireUsMin + static_cast<std::int64_t>(wire.below(kWireUsRange));
    const std::int64_t back_us = kWireUsMin + static_cast<std::int64_t>(wire.below(kWireUsRange));

    SimulatedServer* server = servers_[static_cast<std::size_t>(user.server)].get();
    runtime::Completion<runtime::HttpResponse> answered(
        [this, server, back_us, there_us, request = std::move(request), number = user.server](
            runtime::Completion<runtime::HttpResponse>::Done done) mutable {
            auto respond = [this, back_us, done = std::move(done)](
                               runtime::HttpResponse response) mutable {
                time_
                    .schedule(
                        back_us,
                        kWorldNumber,
                        [this, done = std::move(done), response = std::move(response)]() mutable {
                            executor_.run_turn([&] { done(std::move(response)); });
                        })
                    .release();
            };
            time_
                .schedule(
                    there_us,
                    number,
                    [server, request = std::move(request), respond = std::move(respond)]() mutable {
                        server->executor().run_turn(
                            [&] { server->answer(std::move(request), std::move(respond)); });
                    })
                .release();
            return runtime::Pending();
        });
    const runtime::HttpResponse response = co_await answered;
    Answer answer{response.status, {}};
    if (auto parsed = json::parse(response.body)) answer.body = std::move(*parsed);
    co_return answer;
}

bool Cluster::run_until(std::int64_t limit_us, const std::function<bool()>& is_done) {
    const std::int64_t end_us = time_.now_us() + limit_us;
    while (time_.now_us() < end_us) {
        if (is_done()) return true;
        time_.run_until(std::min(end_us, time_.now_us() + kSecondUs));
    }
    return is_done();
}

bool Cluster::is_quiet() {
    for (const auto& server : servers_) {
        if (server->engine().outbox().queued() > 0) return false;
    }
    return true;
}

std::int64_t Cluster::count_unplaced() {
    std::int64_t count = 0;
    for (const auto& server : servers_)
        count += server->engine().rooms().count_unplaced();
    return count;
}

}  // namespace matrix::simulator
