#include "simulator/live/our_servers.h"

#include <utility>

#include "refserver/base/assert.h"
#include "refserver/base/result_macros.h"
#include "refserver/platform/dns_resolver.h"
#include "refserver/platform/log_durability.h"
#include "refserver/platform/memory_disk.h"
#include "refserver/platform/system_random.h"
#include "refserver/platform/thread_workers.h"
#include "refserver/protocol/x_matrix.h"

namespace matrix::live {
namespace {

constexpr int kBadGateway = 502;
constexpr std::string_view kFederation = "/_matrix/federation/";

// The loop of one server among several on one thread: jobs are shared, the end of a turn is heard
// by each.
class SharedLoop final : public runtime::Executor {
public:
    explicit SharedLoop(platform::EventLoop& loop) : loop_(loop) {}
    void post(std::move_only_function<void()> job) override { loop_.post(std::move(job)); }
    void on_turn_end(std::move_only_function<void()> callback) override {
        turn_end_ = std::move(callback);
    }
    runtime::LoopStatistics statistics() const override { return loop_.statistics(); }
    void end_turn() {
        if (turn_end_) turn_end_();
    }

private:
    platform::EventLoop& loop_;
    std::move_only_function<void()> turn_end_;
};

runtime::HttpResponse make_gateway_error(int status) {
    return {status,
            {{"Content-Type", "application/json"}},
            R"({"errcode":"M_UNKNOWN","error":"injected"})"};
}

platform::HttpClientOptions live_client_options(const OurServersOptions& options) {
    platform::HttpClientOptions settings;
    settings.policy.reach = platform::Reach::Everything;
    settings.authorities_pem = options.authorities_pem;
    settings.user_agent = "touchstone-simulator-live";
    return settings;
}

}  // namespace

struct OurServers::Server {
    Server(OurServers& all, int number_)
        : number(number_),
          end(std::to_string(number_)),
          owner(all),
          loop(all.loop_),
          workers(all.loop_),
          resolver(all.loop_, {}),
          durability(all.loop_),
          network(end,
                  {.clock = all.loop_,
                   .network = all.client_,
                   .faults = all.faults_,
                   .relay = all.relay_,
                   .routes = all.routes_,
                   .answers = all.answers_,
                   .target_host_header = all.options_.target.text()}),
          http(all.loop_, all.log_) {}

    runtime::World world() {
        return {
            loop, owner.loop_, random, network, resolver, workers, disk, durability, owner.log_};
    }

    // The port in the server's name, where the relay listens.
    std::expected<std::uint16_t, std::string> listen() {
        const auto clients = http.listen({"127.0.0.1", 0}, std::nullopt);
        if (!clients) return clients;
        client_url = "http://127.0.0.1:" + std::to_string(*clients);
        const auto federation = http.listen({"127.0.0.1", 0}, owner.options_.certificate);
        if (!federation) return federation;
        federation_port = *federation;
        const std::uint16_t first = owner.options_.first_port;
        const auto wanted =
            static_cast<std::uint16_t>(first == 0 ? 0 : first + static_cast<unsigned>(number));
        return owner.relay_.open(
            {owner.options_.bind_ip, wanted}, {"127.0.0.1", federation_port}, {kTargetEnd, end});
    }

    // Requests of the target meet the faults of its link; those of others have met theirs.
    void serve(runtime::HttpRequest request, runtime::Responder respond) {
        if (!is_from_target(request)) return engine->handle(std::move(request), std::move(respond));
        const RequestFate fate = owner.faults_.draw_request({kTargetEnd, end});
        auto held = std::make_shared<std::pair<runtime::HttpRequest, runtime::Responder>>(
            std::move(request), std::move(respond));
        owner.loop_
            .call_after(fate.delay,
                        [this, fate, held] {
                            serve_late(fate, std::move(held->first), std::move(held->second));
                        })
            .release();
    }

    bool is_from_target(const runtime::HttpRequest& request) const {
        if (!request.target.starts_with(kFederation)) return false;
        const std::string* header = request.headers.find("Authorization");
        if (header == nullptr) return false;
        const auto authorization = parse_x_matrix(*header);
        return authorization && authorization->origin == owner.options_.target;
    }

    // What is lost looks like a gateway before us that has lost it.
    void serve_late(RequestFate fate, runtime::HttpRequest request, runtime::Responder respond) {
        switch (fate.passage) {
            case Passage::Passes:
                return engine->handle(std::move(request), std::move(respond));
            case Passage::Refused:
                return respond(make_gateway_error(fate.status));
            case Passage::LostBefore:
                return respond(make_gateway_error(kBadGateway));
            case Passage::LostAfter:
                return engine->handle(
                    std::move(request),
                    [respond = std::move(respond)](runtime::HttpResponse) mutable {
                        respond(make_gateway_error(kBadGateway));
                    });
        }
        unreachable();
    }

    int number;
    std::string end;
    OurServers& owner;
    ServerName name;
    std::string client_url;
    std::uint16_t federation_port = 0;

    SharedLoop loop;
    platform::SystemRandom random;
    platform::ThreadWorkers workers;
    platform::DnsResolver resolver;
    platform::MemoryDisk disk;
    platform::ImmediateDurability durability;
    FaultyNetwork network;
    platform::HttpServer http;
    std::unique_ptr<engine::Server> engine;
};

OurServers::OurServers(OurServersOptions options, Faults& faults)
    : options_(std::move(options)),
      faults_(faults),
      routes_{.host = options_.host, .ours = {}},
      log_(options_.log_level),
      client_(loop_, live_client_options(options_)),
      relay_(faults_) {}

std::expected<std::unique_ptr<OurServers>, std::string> OurServers::start(OurServersOptions options,
                                                                          Faults& faults) {
    std::unique_ptr<OurServers> ours(new OurServers(std::move(options), faults));
    for (int number = 0; number < ours->options_.servers; ++number) {
        RETURN_IF_ERROR(ours->add(number));
    }
    ours->loop_.on_turn_end([all = ours.get()] {
        for (const auto& server : all->servers_)
            server->loop.end_turn();
    });
    ours->thread_ = std::thread([all = ours.get()] { all->loop_.run(); });
    return ours;
}

std::expected<void, std::string> OurServers::add(int number) {
    auto server = std::make_unique<Server>(*this, number);
    ASSIGN_OR_RETURN(const std::uint16_t port, server->listen());
    server->name = ServerName(options_.host + ":" + std::to_string(port));
    routes_.ours.emplace(port, Routes::Place{server->end, server->federation_port});

    engine::ServerOptions settings;
    settings.server_name = server->name;
    settings.database.is_in_memory = true;
    settings.public_url = server->client_url;
    settings.users = options_.users;
    settings.appointed_addresses = options_.appointed;
    auto opened = engine::Server::open(server->world(), std::move(settings));
    if (!opened) return std::unexpected("cannot open a database: " + opened.error().what);
    server->engine = *std::move(opened);
    server->http.serve(
        [one = server.get()](runtime::HttpRequest request, runtime::Responder respond) {
            one->serve(std::move(request), std::move(respond));
        });
    servers_.push_back(std::move(server));
    return {};
}

OurServers::~OurServers() {
    if (!thread_.joinable()) return;
    loop_.stop();
    thread_.join();
    // Engines go first: what they wait for is withdrawn from what is still there.
    for (const auto& server : servers_)
        server->engine.reset();
}

engine::Server& OurServers::engine(int server) {
    return *servers_[static_cast<std::size_t>(server)]->engine;
}

const ServerName& OurServers::name(int server) const {
    return servers_[static_cast<std::size_t>(server)]->name;
}

const std::string& OurServers::client_url(int server) const {
    return servers_[static_cast<std::size_t>(server)]->client_url;
}

std::string OurServers::federation_url(int server) const {
    const Server& one = *servers_[static_cast<std::size_t>(server)];
    return "https://localhost:" + std::to_string(one.federation_port);
}

const std::string& OurServers::access_token(int server, const std::string& localpart) const {
    const Server& one = *servers_[static_cast<std::size_t>(server)];
    const auto& tokens = one.engine->user_tokens();
    const auto token = tokens.find("@" + localpart + ":" + one.name.text());
    MATRIX_ASSERT(token != tokens.end());
    return token->second;
}

void OurServers::change_faults(LinkFaults faults) {
    faults_.put_in_force(std::move(faults));
    relay_.reconsider();
}

}  // namespace matrix::live
