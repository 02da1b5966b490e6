// Messages sent over real HTTP to a server that keeps them on disk: an answer means durable.

#include "tests/bench/gathering.h"

namespace matrix::bench {
namespace {

// Each client of the room sends its next message when the last one is answered. One iteration is
// one message.
void send_messages_durably(benchmark::State& state) {
    const auto gathering = Gathering::open(static_cast<std::size_t>(state.range(0)));
    if (!gathering) return state.SkipWithError(gathering.error().c_str());
    Gathering& room = **gathering;
    ClosedLoop clients(room.connections(), [&](std::size_t client) {
        return room.next_message(room.members()[client], room.room());
    });
    Latencies latencies;
    Problem problem;
    const auto receive = [&] {
        const ClosedLoop::Turn turn = clients.receive();
        if (problem.empty()) problem = problem_of_send(turn.answer);
        latencies.add(turn.latency);
        return turn.client;
    };
    for (auto _ : state)
        clients.ask_again(receive());
    while (clients.is_waiting())
        receive();
    if (!problem.empty()) return state.SkipWithError(problem.c_str());
    state.SetItemsProcessed(state.iterations());
    latencies.report(state);
}
BENCHMARK(send_messages_durably)->ArgName("clients")->Arg(1)->Arg(50)->UseRealTime();

}  // namespace
}  // namespace matrix::bench
