// What the simulator must hold on one core; bounds and last figures are in ci/bench.md.

#include <memory>
#include <string>

#include <benchmark/benchmark.h>

#include "simulator/run.h"
#include "simulator/scenario/draw.h"
#include "simulator/simulated_random.h"
#include "simulator/virtual_time.h"
#include "tests/bench/busy_room.h"

namespace matrix::simulator {
namespace {

// Jobs that schedule themselves anew, each with a timeout that is cancelled, as requests have.
class Ticker {
public:
    Ticker(VirtualTime& time, std::uint64_t seed, int server)
        : time_(time), random_(seed), server_(server) {}
    void tick() {
        timeout_ = time_.schedule(kTimeoutUs, server_, [] {});
        const auto pause_us = static_cast<std::int64_t>(random_.below(kPauseUsMax));
        time_.schedule(pause_us, server_, [this] { tick(); }).release();
    }

private:
    static constexpr std::int64_t kTimeoutUs = 10'000'000;
    static constexpr std::uint64_t kPauseUsMax = 100'000;
    VirtualTime& time_;
    SimulatedRandom random_;
    int server_;
    runtime::Pending timeout_;
};

void scheduler_dispatches(benchmark::State& state) {
    Trace trace;
    VirtualTime time(trace);
    std::vector<std::unique_ptr<Ticker>> tickers;
    for (int number = 0; number < state.range(0); ++number) {
        tickers.push_back(
            std::make_unique<Ticker>(time, static_cast<std::uint64_t>(number), number));
        tickers.back()->tick();
    }
    for (auto _ : state)
        time.step();
    state.SetItemsProcessed(static_cast<std::int64_t>(trace.dispatches()));
}
BENCHMARK(scheduler_dispatches)->Name("simulator/scheduler/jobs")->Arg(100)->Arg(10'000);

// Ten servers with a talking user each; every message is accepted by the nine others.
void deliver_messages(benchmark::State& state) {
    constexpr int kServers = 10;
    BusyRoomOptions options;
    options.cluster.servers = kServers;
    options.cluster.users_per_server = 1;
    std::uint64_t deliveries = 0;
    for (auto _ : state) {
        state.PauseTiming();
        BusyRoom room(options);
        const bool is_set_up = room.set_up();
        const std::uint64_t before = room.deliveries();
        state.ResumeTiming();
        const bool is_delivered = is_set_up && room.talk();
        state.PauseTiming();
        const std::uint64_t during = room.deliveries() - before;
        const auto expected =
            static_cast<std::uint64_t>(options.messages_per_user * kServers * (kServers - 1));
        if (!is_delivered || during != expected) {
            state.SkipWithError("some messages did not reach everybody");
            break;
        }
        deliveries += during;
        state.ResumeTiming();
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(deliveries));
}
BENCHMARK(deliver_messages)->Name("simulator/deliveries")->Unit(benchmark::kMillisecond);

// A run with its checkers, fsck included.
void run_seeds(benchmark::State& state, DrawOptions draw) {
    std::uint64_t operations = 0;
    for (auto _ : state) {
        const auto report = run(draw_scenario(draw));
        if (!report || report->outcome != Outcome::Passed) {
            state.SkipWithError("the run did not pass");
            break;
        }
        operations += report->metric("operations");
        ++draw.seed;
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
    state.counters["operations"] =
        benchmark::Counter(static_cast<double>(operations), benchmark::Counter::kAvgIterations);
}

void run_default_seeds(benchmark::State& state) {
    run_seeds(state, {});
}
BENCHMARK(run_default_seeds)
    ->Name("simulator/default_seeds")
    ->Iterations(10)
    ->Unit(benchmark::kMillisecond);

// Twenty users, each of whom acts every ten seconds.
void run_virtual_hour(benchmark::State& state) {
    DrawOptions draw;
    draw.chaos_ms = 3'600'000;
    run_seeds(state, draw);
}
BENCHMARK(run_virtual_hour)
    ->Name("simulator/virtual_hour/servers:10")
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace matrix::simulator
