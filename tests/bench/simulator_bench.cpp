// What the simulator must hold on one core; bounds and last figures are in ci/bench.md.

#include <memory>
#include <string>

#include <benchmark/benchmark.h>

#include "simulator/run.h"
#include "simulator/simulated_random.h"
#include "simulator/virtual_time.h"

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

void deliver_events(benchmark::State& state) {
    RunOptions options;
    options.cluster.servers = 10;
    options.cluster.seed = 7;
    std::uint64_t deliveries = 0;
    std::string hash;
    for (auto _ : state) {
        const auto report = run(options);
        if (!report || report->outcome != Outcome::Passed) {
            state.SkipWithError("the run did not pass");
            break;
        }
        if (!hash.empty() && hash != report->trace_hash) {
            state.SkipWithError("the same seed gave another trace");
            break;
        }
        hash = report->trace_hash;
        deliveries += report->deliveries;
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(deliveries));
}
BENCHMARK(deliver_events)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace matrix::simulator
