// What one room costs: local sends, and receipt of a peer's events, in turns of 50 as under load.
//
// The world is the simulated one: its disk is memory and its signatures are a keyed hash, so
// neither a disk nor Ed25519 (20 microseconds to sign, 50 to verify) is in the figures.
#include <benchmark/benchmark.h>

#include "tests/engine/test_world.h"

namespace matrix::engine {
namespace {

constexpr int kEventsPerTurn = 50;

void send_messages(benchmark::State& state) {
    TestWorld world;
    RoomHost a(world, "a.test");
    const RoomPtr room = a.create_room();
    const UserId alice = a.user("alice");
    for (auto _ : state) {
        a.turn([&] {
            for (int event = 0; event < kEventsPerTurn; ++event)
                benchmark::DoNotOptimize(room->send(message(alice, "hello")));
        });
        world.settle(1);
    }
    state.SetItemsProcessed(state.iterations() * kEventsPerTurn);
}
BENCHMARK(send_messages)->Unit(benchmark::kMillisecond);

void send_state(benchmark::State& state) {
    TestWorld world;
    RoomHost a(world, "a.test");
    const RoomPtr room = a.create_room();
    const UserId alice = a.user("alice");
    std::int64_t topic = 0;
    for (auto _ : state) {
        a.turn([&] {
            for (int event = 0; event < kEventsPerTurn; ++event) {
                benchmark::DoNotOptimize(
                    room->send(state_event(alice, "m.room.topic", {{"topic", ++topic}})));
            }
        });
        world.settle(1);
    }
    state.SetItemsProcessed(state.iterations() * kEventsPerTurn);
}
BENCHMARK(send_state)->Unit(benchmark::kMillisecond);

void receive_messages(benchmark::State& state) {
    TestWorld world;
    RoomHost a(world, "a.test");
    ScriptedPeer peer(world, "peer.test");
    const RoomPtr room = a.create_room();
    const UserId eve = peer.user("eve");
    const auto build = [&](const NewEvent& event) { return room->make_template(event).value(); };
    const auto joined =
        a.receive(room, peer.sign(build(member(eve, eve, "join")), room->rules()), peer.name());
    benchmark::DoNotOptimize(joined);
    EventTemplate next = build(message(eve, "hello"));
    for (auto _ : state) {
        state.PauseTiming();
        std::vector<json::Object> pdus;
        for (int event = 0; event < kEventsPerTurn; ++event) {
            pdus.push_back(peer.sign(next, room->rules()));
            next.prev_events = {parse_event(pdus.back(), room->rules()).value().id};
            ++next.depth;
        }
        state.ResumeTiming();
        for (const json::Object& pdu : pdus)
            a.turn([&] { a.start(room->receive(pdu, peer.name())); });
        world.settle(1);
    }
    state.SetItemsProcessed(state.iterations() * kEventsPerTurn);
}
BENCHMARK(receive_messages)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace matrix::engine
