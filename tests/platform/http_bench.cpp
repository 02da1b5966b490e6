// The HTTP server's requests per second, and what 1,000 waiting requests cost the others.

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "tests/platform/real_world.h"

namespace matrix::platform {
namespace {

void ask_one_by_one(benchmark::State& state) {
    EchoServer server;
    RawClient client(server.port());
    const std::string request = get("/ping");
    for (auto _ : state)
        benchmark::DoNotOptimize(client.ask(request));
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ask_one_by_one)->UseRealTime();

// Pipelined: what the two threads can do when no client waits for an answer.
void ask_in_batches(benchmark::State& state) {
    EchoServer server;
    RawClient client(server.port());
    constexpr int kBatch = 64;
    std::string requests;
    for (int i = 0; i < kBatch; ++i)
        requests += get("/ping");
    for (auto _ : state) {
        client.send(requests);
        for (int i = 0; i < kBatch; ++i)
            benchmark::DoNotOptimize(client.receive());
    }
    state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK(ask_in_batches)->UseRealTime();

// Both in one run, in turns, so that the noise of the machine hits both alike.
void latency_beside_waiting_requests(benchmark::State& state) {
    using Clock = std::chrono::steady_clock;
    EchoServer quiet;
    EchoServer crowded;
    std::vector<std::unique_ptr<RawClient>> waiting;
    for (int i = 0; i < 1000; ++i) {
        waiting.push_back(std::make_unique<RawClient>(crowded.port()));
        waiting.back()->send(get("/wait"));
    }
    crowded.expect_waiting(1000);
    RawClient to_quiet(quiet.port());
    RawClient to_crowded(crowded.port());
    const std::string request = get("/ping");
    std::vector<double> quiet_us;
    std::vector<double> crowded_us;
    const auto time_of = [&](RawClient& client) {
        const auto start = Clock::now();
        benchmark::DoNotOptimize(client.ask(request));
        return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
    };
    for (auto _ : state) {
        quiet_us.push_back(time_of(to_quiet));
        crowded_us.push_back(time_of(to_crowded));
    }
    const auto percentile = [](std::vector<double>& times, std::size_t percent) {
        std::ranges::sort(times);
        return times[times.size() * percent / 100];
    };
    state.counters["p50_us_0_waiting"] = percentile(quiet_us, 50);
    state.counters["p50_us_1000_waiting"] = percentile(crowded_us, 50);
    state.counters["p99_us_0_waiting"] = percentile(quiet_us, 99);
    state.counters["p99_us_1000_waiting"] = percentile(crowded_us, 99);
}
BENCHMARK(latency_beside_waiting_requests)->UseRealTime();

}  // namespace
}  // namespace matrix::platform
