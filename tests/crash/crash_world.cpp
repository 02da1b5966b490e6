#include "tests/crash/crash_world.h"

#include <utility>

#include "refserver/base/assert.h"
#include "refserver/protocol/event_hash.h"
#include "simulator/simulated_crypto.h"

namespace matrix::crash {
namespace {

constexpr int kWorldNumber = -1;
constexpr int kUsers = 3;
constexpr simulator::LinkOptions kLink{.latency_us_min = 500, .latency_us_max = 8'000};

engine::ServerOptions options_of(Side side) {
    engine::ServerOptions options;
    options.server_name = CrashWorld::name_of(side);
    options.database = small_database();
    options.database.is_in_memory = side == Side::Peer;
    for (int user = 0; user < kUsers; ++user)
        options.users.push_back("user" + std::to_string(user));
    options.make_signer = simulator::make_simulated_signer;
    options.verifier = &simulator::simulated_verifier();
    return options;
}

bool is_transaction(const runtime::HttpRequest& request) {
    return request.target.starts_with("/_matrix/federation/v1/send/");
}

/// Calls `take` for each event of a transaction that was taken.
void for_each_taken(const runtime::HttpRequest& request,
                    const runtime::HttpResponse& response,
                    const std::function<void(RoomId, EventId)>& take) {
    const auto body = json::parse(request.body, json::Numbers::Any);
    const auto answer = json::parse(response.body, json::Numbers::Any);
    MATRIX_ASSERT(body && answer && body->find_array("pdus"));
    const json::Value* results = answer->find("pdus");
    for (const json::Value& pdu : *body->find_array("pdus")) {
        const std::string* room = pdu.find_string("room_id");
        // Both sides make rooms of the newest version alone.
        const auto id = event_id_of(*pdu.if_object(), *find_room_rules("12"));
        if (!room || !id || !results) continue;
        const json::Value* result = results->find(id->view());
        if (result && !result->find("error")) take(RoomId(*room), *id);
    }
}

}  // namespace

std::string Answer::string(std::string_view key) const {
    const std::string* text = body.find_string(key);
    return text ? *text : "";
}

/// A server that never fails: its database is in memory.
struct CrashWorld::Peer {
    Peer(CrashWorld& world)
        : random(world.random("peer").bits()),
          executor(world.time_, 0),
          clock(world.time_, executor, 0),
          workers(world.time_, executor, random.stream("workers"), 0),
          log(world.time_, 0, runtime::LogLevel::Error),
          disk(0),
          durability(disk, clock, random.stream("durability"), {}),
          network(world.network_.view_of(world.network_.add_host(
              name_of(Side::Peer).text(),
              [this, &world](runtime::HttpRequest request, runtime::Responder respond) {
                  serve(world, std::move(request), std::move(respond));
              },
              [this](std::move_only_function<void()> job) { executor.run_turn(std::move(job)); }))),
          resolver(world.dns_.view_of(0)) {
        auto opened = engine::Server::open(
            {executor, clock, random, *network, *resolver, workers, disk, durability, log},
            options_of(Side::Peer));
        MATRIX_ASSERT(opened.has_value());
        server = *std::move(opened);
        executor.run_turn([] {});
    }
    void serve(CrashWorld& world, runtime::HttpRequest request, runtime::Responder respond) {
        runtime::HttpRequest copy = request;
        server->handle(std::move(request),
                       [&world, copy = std::move(copy), respond = std::move(respond)](
                           runtime::HttpResponse response) mutable {
                           world.note_transaction_to_peer(copy, response);
                           if (world.on_answer_of_peer_ && response.status == 200) {
                               world.on_answer_of_peer_(copy);
                           }
                           respond(std::move(response));
                       });
    }

    simulator::SimulatedRandomSource random;
    simulator::SimulatedExecutor executor;
    simulator::SimulatedClock clock;
    simulator::SimulatedWorkers workers;
    simulator::SimulatedLog log;
    simulator::SimulatedDisk disk;
    simulator::SimulatedDurability durability;
    std::unique_ptr<runtime::Network> network;
    std::unique_ptr<runtime::Resolver> resolver;
    std::unique_ptr<engine::Server> server;
};

CrashWorld::CrashWorld(const simulator::SimulatedDisk& image, std::uint64_t seed)
    : random_(seed),
      network_(time_, random_, trace_, kLink),
      executor_(time_, kWorldNumber),
      clock_(time_, executor_, kWorldNumber),
      peer_(std::make_unique<Peer>(*this)),
      home_(std::make_unique<SimulatedHome>(
          SimulatedHome::World{time_, network_, dns_, seed},
          image,
          options_of(Side::Home),
          [this](const runtime::HttpRequest& request, const runtime::HttpResponse& response) {
              note_transaction_of_peer(request, response);
          })) {}

CrashWorld::~CrashWorld() = default;

UserId CrashWorld::user(Side side, int number) {
    return UserId("@user" + std::to_string(number) + ":" + name_of(side).text());
}

ServerName CrashWorld::name_of(Side side) {
    return ServerName(side == Side::Home ? "home.test" : "peer.test");
}

engine::Server& CrashWorld::peer() {
    return *peer_->server;
}

void CrashWorld::note_transaction_of_peer(const runtime::HttpRequest& request,
                                          const runtime::HttpResponse& response) {
    if (!is_transaction(request) || response.status != 200) return;
    for_each_taken(request, response, [this](RoomId room, EventId event) {
        ++ledger_.acknowledged;
        ledger_.taken_from_peer.emplace(std::move(event), std::move(room));
    });
}

void CrashWorld::note_transaction_to_peer(const runtime::HttpRequest& request,
                                          const runtime::HttpResponse& response) {
    if (!is_transaction(request) || response.status != 200) return;
    for_each_taken(request, response, [this](RoomId room, EventId event) {
        if (!ledger_.peer_has.insert(event).second) return;
        ++ledger_.acknowledged;
        ledger_.seen_by_peer.emplace_back(std::move(room), std::move(event));
    });
}

void CrashWorld::serve(Side side, runtime::HttpRequest request, SimulatedHome::Answered done) {
    if (side == Side::Home) return home_->handle(std::move(request), std::move(done));
    peer_->executor.run_turn([&] {
        peer().handle(std::move(request),
                      [done = std::move(done)](runtime::HttpResponse response) mutable {
                          done(std::move(response));
                      });
    });
}

Task<std::optional<Answer>> CrashWorld::call(
    Side side, std::string user, std::string method, std::string target, json::Value body) {
    runtime::HttpRequest request{
        .method = std::move(method), .target = std::move(target), .peer_address = "client"};
    if (!body.is_null()) request.body = json::write(body);
    if (side == Side::Home && !home_->is_alive()) co_return std::nullopt;
    const auto& tokens = server(side).user_tokens();
    const auto token = tokens.find(user);
    request.headers.add("Authorization",
                        "Bearer " + (token == tokens.end() ? user : token->second));

    runtime::Completion<std::optional<runtime::HttpResponse>> answered(
        [this, side, request = std::move(request)](
            runtime::Completion<std::optional<runtime::HttpResponse>>::Done done) mutable {
            // A turn of the server ends before its client goes on.
            auto later = [this, done = std::move(done)](
                             std::optional<runtime::HttpResponse> response) mutable {
                executor_.post([done = std::move(done), response = std::move(response)]() mutable {
                    done(std::move(response));
                });
            };
            serve(side, std::move(request), std::move(later));
            return runtime::Pending();
        });
    const auto response = co_await answered;
    if (!response) co_return std::nullopt;
    Answer answer{response->status, {}};
    if (auto parsed = json::parse(response->body, json::Numbers::Any)) {
        answer.body = *std::move(parsed);
    }
    co_return answer;
}

Task<void> CrashWorld::sleep(std::int64_t milliseconds) {
    co_await clock_.sleep(runtime::milliseconds(milliseconds));
}

void CrashWorld::step() {
    MATRIX_ASSERT(time_.step());
}

void CrashWorld::run_for(std::int64_t milliseconds) {
    const std::int64_t end_us = time_.now_us() + milliseconds * 1000;
    const bool is_watched = home_->is_alive();
    while (time_.next_us() >= 0 && time_.next_us() <= end_us) {
        time_.step();
        if (is_watched && !home_->is_alive()) return;
    }
    time_.run_until(end_us);
}

}  // namespace matrix::crash
