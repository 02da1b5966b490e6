// Events that simulated servers accept from each other, per second of one core: ten full servers,
// the same run each time (`simulator run --servers 10 --seed 7`).

#include <benchmark/benchmark.h>

#include "simulator/run.h"
#include "simulator/scenario/draw.h"

namespace matrix::simulator {
namespace {

void deliver_events(benchmark::State& state) {
    DrawOptions draw;
    draw.seed = 7;
    const Scenario scenario = draw_scenario(draw);
    std::uint64_t deliveries = 0;
    std::string hash;
    for (auto _ : state) {
        const auto report = run(scenario);
        if (!report || report->outcome != Outcome::Passed) {
            state.SkipWithError("the run did not pass");
            break;
        }
        if (!hash.empty() && hash != report->trace_hash) {
            state.SkipWithError("the same seed gave another trace");
            break;
        }
        hash = report->trace_hash;
        deliveries += report->metric("events_received");
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(deliveries));
}
BENCHMARK(deliver_events)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace matrix::simulator
