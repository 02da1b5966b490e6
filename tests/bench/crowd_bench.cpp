// Rooms with many members: joining one of a peer, serving it to a peer, and what a member, a state
// event and a restart cost.

#include <chrono>
#include <iterator>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "tests/bench/crowded_room.h"
#include "tests/bench/gathering.h"

namespace matrix::bench {
namespace {

using conformance::escape;
using conformance::Pdu;
using conformance::Peer;
using conformance::Response;

/// A server, and a peer that is resident in a room of so many members.
class Neighbours {
public:
    static std::expected<std::unique_ptr<Neighbours>, Problem> open(std::size_t members) {
        auto identity = conformance::make_peer_identity("127.0.0.1:0", "");
        auto server = LiveServer::start(1, identity.authority);
        if (!server) return std::unexpected(server.error());
        return std::make_unique<Neighbours>(std::move(identity), *std::move(server), members);
    }

    Neighbours(conformance::PeerIdentity identity,
               std::unique_ptr<LiveServer> server,
               std::size_t members)
        : identity_(std::move(identity)),
          server_(std::move(server)),
          target_({.url = server_->url(),
                   .server_name = server_->name().text(),
                   .federation_url = server_->federation_url(),
                   .ca_file = server_->authority_file()},
                  log_),
          peer_(identity_, target_, log_),
          room_(peer_, members) {}

    LiveServer& server() { return *server_; }
    Problem restart() {
        connection_.reset();
        return server_->restart();
    }
    const RoomId& room() const { return room_.id(); }

    /// A user of the server joins the room through the peer.
    Problem join() {
        const Answer answer = ask("POST",
                                  "/_matrix/client/v3/join/" + escape(room().view()) +
                                      "?server_name=" + escape(peer_.name().view()),
                                  "{}");
        return answer.is_ok() ? Problem() : describe("join", answer);
    }

    /// A user of the peer joins through the server; how long the server took to answer.
    std::expected<std::chrono::milliseconds, Problem> serve_join(const std::string& localpart) {
        const Response made = peer_.make_join(room(), peer_.user(localpart));
        if (!made.is_ok()) return std::unexpected(testing::PrintToString(made));
        Pdu join{made.at({"event"}), find_room_rules("11")};
        const Response sent = peer_.send_join(peer_.sign(std::move(join)));
        if (!sent.is_ok()) return std::unexpected(testing::PrintToString(sent).substr(0, 300));
        return made.duration + sent.duration;
    }

    /// The room's topic becomes another one.
    Problem change_topic(int change) {
        const Answer answer =
            ask("PUT",
                "/_matrix/client/v3/rooms/" + escape(room().view()) + "/state/m.room.topic",
                R"({"topic":"Topic )" + std::to_string(change) + R"("})");
        return problem_of_send(answer);
    }

    /// What a client is told under a path of the room.
    Problem read(const std::string& rest) {
        const Answer answer =
            ask("GET", "/_matrix/client/v3/rooms/" + escape(room().view()) + rest, "");
        return answer.is_ok() ? Problem() : describe(rest, answer);
    }
    /// The same of an operator.
    Problem inspect(const std::string& rest) {
        const Answer answer =
            HttpConnection(server_->port())
                .ask(make_request("GET",
                                  "/_refserver/rooms/" + escape(room().view()) + rest,
                                  server_->admin_token()));
        return answer.is_ok() ? Problem() : describe(rest, answer);
    }

private:
    // On one connection, as long as the server is the same.
    Answer ask(std::string_view method, const std::string& target, std::string_view body) {
        if (!connection_) connection_.emplace(server_->port());
        return connection_->ask(
            make_request(method, target, server_->access_tokens().front(), body));
    }

    conformance::ExchangeLog log_;
    conformance::PeerIdentity identity_;
    std::unique_ptr<LiveServer> server_;
    conformance::Target target_;
    Peer peer_;
    CrowdedRoom room_;
    std::optional<HttpConnection> connection_;
};

std::size_t members_of(const benchmark::State& state) {
    return static_cast<std::size_t>(is_brief() ? 50 : state.range(0));
}

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

// One iteration is one join by a server that knows nothing yet.
void join_crowded_room(benchmark::State& state) {
    const std::size_t members = members_of(state);
    double used_bytes = 0;
    double idle_bytes = 0;
    Usage before;
    Usage after;
    for (auto _ : state) {
        auto neighbours = Neighbours::open(members);
        if (!neighbours) return state.SkipWithError(neighbours.error().c_str());
        before = (*neighbours)->server().usage();
        const auto start = Clock::now();
        const Problem problem = (*neighbours)->join();
        state.SetIterationTime(seconds_since(start));
        if (!problem.empty()) return state.SkipWithError(problem.c_str());
        after = (*neighbours)->server().usage();
        after.resident_bytes = (*neighbours)->server().resident_bytes_at_rest();
        idle_bytes = before.resident_bytes;
        used_bytes = after.resident_bytes - before.resident_bytes;
    }
    report_usage(state, before, after, 1);
    state.counters["idle_bytes"] = idle_bytes;
    state.counters["bytes_per_member"] = used_bytes / static_cast<double>(members);
}
BENCHMARK(join_crowded_room)
    ->Name("engine/join_room")
    ->ArgName("members")
    ->Arg(10'000)
    ->Arg(30'000)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond)
    ->UseManualTime();

// One iteration is make_join and send_join of another user of the peer.
void serve_crowded_room(benchmark::State& state) {
    const auto neighbours = Neighbours::open(members_of(state));
    if (!neighbours) return state.SkipWithError(neighbours.error().c_str());
    if (const Problem problem = (*neighbours)->join(); !problem.empty()) {
        return state.SkipWithError(problem.c_str());
    }
    const Usage before = (*neighbours)->server().usage();
    int user = 0;
    for (auto _ : state) {
        const auto taken = (*neighbours)->serve_join("eve" + std::to_string(++user));
        if (!taken) return state.SkipWithError(taken.error().c_str());
        state.SetIterationTime(std::chrono::duration<double>(*taken).count());
    }
    report_usage(
        state, before, (*neighbours)->server().usage(), static_cast<double>(state.iterations()));
}
BENCHMARK(serve_crowded_room)
    ->Name("engine/serve_join")
    ->ArgName("members")
    ->Arg(10'000)
    ->Unit(benchmark::kMillisecond)
    ->UseManualTime();

// One iteration is one state event of a client.
void change_state_of_crowded_room(benchmark::State& state) {
    const auto neighbours = Neighbours::open(members_of(state));
    if (!neighbours) return state.SkipWithError(neighbours.error().c_str());
    if (const Problem problem = (*neighbours)->join(); !problem.empty()) {
        return state.SkipWithError(problem.c_str());
    }
    const Usage before = (*neighbours)->server().usage();
    int change = 0;
    for (auto _ : state) {
        const Problem problem = (*neighbours)->change_topic(++change);
        if (!problem.empty()) return state.SkipWithError(problem.c_str());
    }
    const Usage after = (*neighbours)->server().usage();
    const auto changes = static_cast<double>(state.iterations());
    report_usage(state, before, after, changes);
    state.counters["disk_bytes"] = (after.database_bytes - before.database_bytes) / changes;
}
BENCHMARK(change_state_of_crowded_room)
    ->Name("engine/state_event")
    ->ArgName("members")
    ->Arg(30'000)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

/// A question about a crowded room, of a client or an operator.
struct Reading {
    const char* name;
    Problem (Neighbours::*read)(const std::string& rest);
    const char* rest;
};

// One iteration is one answer after a restart.
void run_reading(benchmark::State& state, const Reading& reading) {
    state.SetLabel(reading.name);
    const auto neighbours = Neighbours::open(members_of(state));
    if (!neighbours) return state.SkipWithError(neighbours.error().c_str());
    if (const Problem problem = (*neighbours)->join(); !problem.empty()) {
        return state.SkipWithError(problem.c_str());
    }
    Usage before;
    for (auto _ : state) {
        Problem problem = (*neighbours)->restart();
        before = (*neighbours)->server().usage();
        const auto start = Clock::now();
        if (problem.empty()) problem = ((**neighbours).*reading.read)(reading.rest);
        if (!problem.empty()) return state.SkipWithError(problem.c_str());
        state.SetIterationTime(seconds_since(start));
    }
    report_usage(state, before, (*neighbours)->server().usage(), 1);
}

// The newest events, as a client asks for them when it opens the room.
void open_crowded_room(benchmark::State& state) {
    run_reading(state, {"messages", &Neighbours::read, "/messages?dir=b"});
}
BENCHMARK(open_crowded_room)
    ->Name("engine/open_room_after_restart")
    ->ArgName("members")
    ->Arg(10'000)
    ->Iterations(3)
    ->Unit(benchmark::kMillisecond)
    ->UseManualTime();

const Reading kReadings[] = {
    {"state", &Neighbours::read, "/state"},
    {"members", &Neighbours::read, "/members"},
    {"joined_members", &Neighbours::read, "/joined_members"},
    {"inspect_room", &Neighbours::inspect, ""},
    {"inspect_graph", &Neighbours::inspect, "/events?limit=1000"},
    {"inspect_refused", &Neighbours::inspect, "/refused?limit=1000"},
};

// All of a large room: what counts is the longest turn.
void read_crowded_room(benchmark::State& state) {
    run_reading(state, kReadings[state.range(1)]);
}
BENCHMARK(read_crowded_room)
    ->Name("engine/read_room")
    ->ArgNames({"members", "what"})
    ->ArgsProduct({{30'000}, benchmark::CreateDenseRange(0, std::size(kReadings) - 1, 1)})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond)
    ->UseManualTime();

// The first look into a room with many messages, which clients have sent.
void open_long_room(benchmark::State& state) {
    constexpr std::size_t kClients = 50;
    const std::int64_t events = is_brief() ? 200 : state.range(0);
    const auto gathering = Gathering::open(kClients);
    if (!gathering) return state.SkipWithError(gathering.error().c_str());
    Gathering& room = **gathering;
    ClosedLoop clients(room.connections(), [&](std::size_t client) {
        return room.next_message(room.members()[client], room.room());
    });
    for (std::int64_t event = 0; clients.is_waiting(); ++event) {
        const ClosedLoop::Turn turn = clients.receive();
        const Problem problem = problem_of_send(turn.answer);
        if (!problem.empty()) return state.SkipWithError(problem.c_str());
        if (event + static_cast<std::int64_t>(kClients) < events) clients.ask_again(turn.client);
    }
    Usage before;
    for (auto _ : state) {
        const Problem problem = room.server().restart();
        if (!problem.empty()) return state.SkipWithError(problem.c_str());
        before = room.server().usage();
        const std::string token = room.server().access_tokens().front();
        const auto start = Clock::now();
        const Answer answer =
            HttpConnection(room.server().port())
                .ask(make_request("GET",
                                  "/_matrix/client/v3/rooms/" + escape(room.room().view()) +
                                      "/messages?dir=b&limit=20",
                                  token));
        state.SetIterationTime(seconds_since(start));
        if (!answer.is_ok()) return state.SkipWithError(describe("messages", answer).c_str());
    }
    report_usage(state, before, room.server().usage(), 1);
}
BENCHMARK(open_long_room)
    ->Name("engine/open_room_after_restart")
    ->ArgName("events")
    ->Arg(100'000)
    ->Iterations(3)
    ->Unit(benchmark::kMillisecond)
    ->UseManualTime();

}  // namespace
}  // namespace matrix::bench
