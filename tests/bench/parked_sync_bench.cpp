// What 1,000 syncs that wait cost a request beside them: GET /versions of a server with them and of
// one without, in turns, so that the noise of the machine hits both alike.

#include <nlohmann/json.hpp>

#include "conformance/harness/response.h"
#include "tests/bench/gathering.h"

namespace matrix::bench {
namespace {

using conformance::Json;

constexpr std::size_t kMembers = 50;
constexpr std::size_t kParkedSyncs = 1000;
constexpr std::size_t kVersionsClients = 16;
constexpr int kVersionsPerRound = 500;

/// Syncs of the members of a gathering, each on a connection of its own, that wait for news.
class ParkedSyncs {
public:
    explicit ParkedSyncs(Gathering& gathering) : gathering_(gathering) {}

    Problem park(std::size_t syncs) {
        Member& first = gathering_.members().front();
        const Answer answer = first.connection.ask(
            make_request("GET", "/_matrix/client/v3/sync", first.access_token));
        const Json body = Json::parse(answer.body, nullptr, false);
        const std::string since = conformance::string_at(body, {"next_batch"});
        if (!answer.is_ok() || since.empty()) return describe("sync", answer);
        // Others come and go, which is no news here.
        const std::string target =
            "/_matrix/client/v3/sync?timeout=600000&set_presence=offline&filter=" +
            conformance::escape(R"({"presence":{"not_types":["m.presence"]}})") +
            "&since=" + conformance::escape(since);
        for (std::size_t sync = 0; sync < syncs; ++sync) {
            const Member& member = gathering_.members()[sync % gathering_.members().size()];
            parked_.emplace_back(gathering_.server().port());
            parked_.back().send(make_request("GET", target, member.access_token));
        }
        return settle();
    }

    /// None has been answered, and one message of the room answers them all.
    Problem wake_all() {
        for (const HttpConnection& sync : parked_) {
            if (sync.has_input()) return "a sync that was to wait has been answered";
        }
        Member& sender = gathering_.members().front();
        Problem problem = problem_of_send(
            sender.connection.ask(gathering_.next_message(sender, gathering_.room())));
        for (HttpConnection& sync : parked_) {
            const Answer answer = sync.receive();
            const bool is_woken =
                answer.is_ok() && answer.body.find("\"m.room.message\"") != std::string::npos;
            if (!is_woken && problem.empty()) problem = describe("a sync that waited", answer);
        }
        return problem;
    }

private:
    // The server reads its connections in turns: when one that was opened last has been answered as
    // often as there are syncs, all of them have been read.
    Problem settle() {
        HttpConnection last(gathering_.server().port());
        for (std::size_t turn = 0; turn < parked_.size(); ++turn) {
            const Answer answer = last.ask(make_request("GET", "/_matrix/client/versions"));
            if (!answer.is_ok()) return describe("versions", answer);
        }
        return {};
    }

    Gathering& gathering_;
    std::vector<HttpConnection> parked_;
};

/// A server with so many syncs that wait.
struct Host {
    static std::expected<std::unique_ptr<Host>, Problem> open(std::size_t syncs) {
        auto gathering = Gathering::open(kMembers);
        if (!gathering) return std::unexpected(gathering.error());
        auto host = std::make_unique<Host>(*std::move(gathering));
        Problem problem = host->parked.park(syncs);
        if (!problem.empty()) return std::unexpected(std::move(problem));
        return host;
    }
    explicit Host(std::unique_ptr<Gathering> gathering_)
        : gathering(std::move(gathering_)),
          parked(*gathering),
          connection(gathering->server().port()) {}

    std::unique_ptr<Gathering> gathering;
    ParkedSyncs parked;
    HttpConnection connection;
    Latencies latencies;
    Clock::duration busy{};  ///< The sum of what `measure` timed.
    Problem problem;
};

void ask_one_versions(Host& host) {
    static const std::string kRequest = make_request("GET", "/_matrix/client/versions");
    const auto start = Clock::now();
    const Answer answer = host.connection.ask(kRequest);
    host.latencies.add(Clock::now() - start);
    if (!answer.is_ok()) host.problem = describe("versions", answer);
}

// 16 clients, each of which asks again when it is answered.
void ask_many_versions(Host& host) {
    std::vector<HttpConnection> clients;
    std::vector<HttpConnection*> pointers;
    for (std::size_t client = 0; client < kVersionsClients; ++client)
        clients.emplace_back(host.gathering->server().port());
    for (HttpConnection& client : clients)
        pointers.push_back(&client);
    const auto start = Clock::now();
    ClosedLoop loop(pointers,
                    [](std::size_t) { return make_request("GET", "/_matrix/client/versions"); });
    for (int received = 0; loop.is_waiting(); ++received) {
        const ClosedLoop::Turn turn = loop.receive();
        if (!turn.answer.is_ok()) host.problem = describe("versions", turn.answer);
        if (received + static_cast<int>(kVersionsClients) < kVersionsPerRound) {
            loop.ask_again(turn.client);
        }
    }
    host.busy += Clock::now() - start;
}

/// Runs `ask` on both hosts in each iteration; then the syncs must still wait, and be woken.
void compare(benchmark::State& state,
             void (*ask)(Host&),
             void (*report)(benchmark::State&, Host&, const std::string&)) {
    const auto quiet = Host::open(0);
    if (!quiet) return state.SkipWithError(quiet.error().c_str());
    const auto crowded = Host::open(kParkedSyncs);
    if (!crowded) return state.SkipWithError(crowded.error().c_str());
    for (auto _ : state) {
        ask(**quiet);
        ask(**crowded);
    }
    for (Host* host : {quiet->get(), crowded->get()}) {
        if (host->problem.empty()) host->problem = host->parked.wake_all();
        if (!host->problem.empty()) return state.SkipWithError(host->problem.c_str());
    }
    report(state, **quiet, "_0_parked");
    report(state, **crowded, "_1000_parked");
}

void latency_of_versions_beside_parked_syncs(benchmark::State& state) {
    compare(
        state, ask_one_versions, [](benchmark::State& to, Host& host, const std::string& suffix) {
            host.latencies.report(to, suffix);
        });
}
BENCHMARK(latency_of_versions_beside_parked_syncs)->UseRealTime();

void rate_of_versions_beside_parked_syncs(benchmark::State& state) {
    compare(
        state, ask_many_versions, [](benchmark::State& to, Host& host, const std::string& suffix) {
            const double busy_s = std::chrono::duration<double>(host.busy).count();
            to.counters["per_second" + suffix] =
                static_cast<double>(to.iterations()) * kVersionsPerRound / busy_s;
        });
}
BENCHMARK(rate_of_versions_beside_parked_syncs)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace matrix::bench
