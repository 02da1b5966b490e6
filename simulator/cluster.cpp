#include "simulator/cluster.h"

#include <utility>

#include "refserver/base/assert.h"
#include "refserver/storage/vfs.h"
#include "simulator/template_disk.h"

namespace matrix::simulator {
namespace {

constexpr int kWorldNumber = -1;
// Of the salts in logs of databases: each run begins with the same.
constexpr std::uint32_t kSqliteSeed = 1;
constexpr std::int64_t kSecondUs = 1'000'000;
// Between a client and its server.
constexpr std::int64_t kWireUsMin = 500;
constexpr std::uint64_t kWireUsRange = 2000;

}  // namespace

Cluster::Cluster(const ClusterOptions& options)
    : options_(options),
      trace_(options.trace_lines, options.recorder),
      time_(trace_),
      choices_(options.choices, trace_),
      executor_(time_, kWorldNumber),
      clock_(time_, executor_, kWorldNumber),
      network_(time_, choices_, trace_, options.link) {
    if (options.recorder != nullptr)
        options.recorder->tell_time_by([this] { return time_.now_us(); });
    storage::run_sqlite_on_one_thread();
    storage::seed_sqlite_randomness(kSqliteSeed);
    const engine::ServerOptions defaults = SimulatedServer::frugal_options();
    const auto disk = make_template_disk(defaults.database, defaults.database_name);
    for (int number = 0; number < options.servers; ++number) {
        const SimulatedServer::Surroundings surroundings{
            time_, trace_, choices_, network_, dns_, events_, options_};
        servers_.push_back(std::make_unique<SimulatedServer>(surroundings, *disk, number));
        for (const auto& [user, token] : servers_.back()->first_tokens()) {
            const UserId id(user);
            users_.push_back({id, number, token});
        }
    }
}

Task<Answer> Cluster::call(User user, std::string method, std::string target, json::Value body) {
    SimulatedServer* server = servers_[static_cast<std::size_t>(user.server)].get();
    runtime::HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.headers.add("Authorization",
                        "Bearer " + server->token_of(user.id.text(), user.access_token));
    request.peer_address = "client";
    if (!body.is_null()) request.body = json::write(body);
    runtime::Random& wire = choices_.stream(user.id.text() + " wire");
    const std::int64_t there_us = kWireUsMin + static_cast<std::int64_t>(wire.below(kWireUsRange));
    const std::int64_t back_us = kWireUsMin + static_cast<std::int64_t>(wire.below(kWireUsRange));

    using Response = std::optional<runtime::HttpResponse>;
    runtime::Completion<Response> answered(
        [this, server, back_us, there_us, request = std::move(request), number = user.server](
            runtime::Completion<Response>::Done done) mutable {
            auto respond = [this, back_us, done = std::move(done)](Response response) mutable {
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
                        server->handle(std::move(request), std::move(respond));
                    })
                .release();
            return runtime::Pending();
        });
    const Response response = co_await answered;
    Answer answer;
    if (!response) co_return answer;
    answer.status = response->status;
    if (auto parsed = json::parse(response->body)) answer.body = std::move(*parsed);
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
        if (!server->is_up() || server->engine().outbox().queued() > 0) return false;
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
