// Messages sent over real HTTP to a server that keeps them on disk: an answer means durable.

#include "tests/bench/gathering.h"

namespace matrix::bench {
namespace {

// Every member talks in one of so many rooms, of which all are members.
std::expected<std::vector<RoomId>, Problem> open_rooms(Gathering& gathering, std::size_t rooms) {
    std::vector<RoomId> ids{gathering.room()};
    while (ids.size() < rooms) {
        auto room = gathering.create_room(gathering.members().front());
        if (!room) return std::unexpected(room.error());
        Problem problem = gathering.join_all(*room);
        if (!problem.empty()) return std::unexpected(std::move(problem));
        ids.push_back(*std::move(room));
    }
    return ids;
}

// Each client sends its next message when the last one is answered. One iteration is one message.
void send_durably(benchmark::State& state) {
    const auto gathering = Gathering::open(static_cast<std::size_t>(state.range(0)));
    if (!gathering) return state.SkipWithError(gathering.error().c_str());
    const auto rooms = open_rooms(**gathering, static_cast<std::size_t>(state.range(1)));
    if (!rooms) return state.SkipWithError(rooms.error().c_str());
    const Usage before = (*gathering)->server().usage();
    ClosedLoop clients((*gathering)->connections(), [&](std::size_t client) {
        return (*gathering)
            ->next_message((*gathering)->members()[client], (*rooms)[client % rooms->size()]);
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
    const double sent = static_cast<double>(state.iterations() + state.range(0));
    report_usage(state, before, (*gathering)->server().usage(), sent);
    if (state.range(0) == 1) {
        state.counters["us_beside_fdatasync"] =
            latencies.mean_us() - state.counters["fdatasync_us"].value;
    }
}
BENCHMARK(send_durably)
    ->Name("engine/send")
    ->ArgNames({"clients", "rooms"})
    ->Args({1, 1})
    ->Args({50, 1})
    ->Args({50, 10})
    ->UseRealTime();

}  // namespace
}  // namespace matrix::bench
