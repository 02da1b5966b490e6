// How long an authorization check takes.

#include <benchmark/benchmark.h>

#include "tests/protocol/abstract_room.h"

namespace matrix::testing {
namespace {

const RoomRules& rules_of(const benchmark::State& run) {
    return *find_room_rules(std::to_string(run.range(0)));
}

void BM_CheckMessage(benchmark::State& run) {
    const RuleRoom room(rules_of(run));
    const Event message = room.make(kUser, "m.room.message", std::nullopt, {});
    const auth::AuthState state = room.state_for(message);
    for (auto _ : run)
        benchmark::DoNotOptimize(auth::check_against(state, message, ed25519_verifier()));
}
BENCHMARK(BM_CheckMessage)->Arg(11)->Arg(12);

void BM_CheckBan(benchmark::State& run) {
    const RuleRoom room(rules_of(run));
    const Event ban = room.member(kMod, kUser, "ban");
    const auth::AuthState state = room.state_for(ban);
    for (auto _ : run)
        benchmark::DoNotOptimize(auth::check_against(state, ban, ed25519_verifier()));
}
BENCHMARK(BM_CheckBan)->Arg(11)->Arg(12);

void BM_SelectAuthEvents(benchmark::State& run) {
    const RuleRoom room(rules_of(run));
    const Event ban = room.member(kMod, kUser, "ban");
    for (auto _ : run)
        benchmark::DoNotOptimize(auth::required_state(ban));
}
BENCHMARK(BM_SelectAuthEvents)->Arg(11)->Arg(12);

}  // namespace
}  // namespace matrix::testing
