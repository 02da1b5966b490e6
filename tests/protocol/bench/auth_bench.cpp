// How long an authorization check takes.

#include <benchmark/benchmark.h>

#include "tests/protocol/abstract_room.h"

namespace matrix::testing {
namespace {

const RoomRules& rules_of(const benchmark::State& run) {
    return *find_room_rules(std::to_string(run.range(0)));
}

// One check of a parsed event against the state that its roles hold: what resolution does for each
// event, once its index has found them.
void check(benchmark::State& run, const RuleRoom& room, const Event& event) {
    const auth::AuthState state = room.state_for(event);
    for (auto _ : run)
        benchmark::DoNotOptimize(auth::check_against(state, event, ed25519_verifier()));
}

void BM_CheckMessage(benchmark::State& run) {
    const RuleRoom room(rules_of(run));
    check(run, room, room.make(kUser, "m.room.message", std::nullopt, {}));
}
BENCHMARK(BM_CheckMessage)->Arg(1)->Arg(11)->Arg(12);

void BM_CheckBan(benchmark::State& run) {
    const RuleRoom room(rules_of(run));
    check(run, room, room.member(kMod, kUser, "ban"));
}
BENCHMARK(BM_CheckBan)->Arg(1)->Arg(11)->Arg(12);

void BM_CheckJoin(benchmark::State& run) {
    RuleRoom room(rules_of(run));
    room.set_member(kStranger, "invite");
    check(run, room, room.member(kStranger, kStranger, "join"));
}
BENCHMARK(BM_CheckJoin)->Arg(1)->Arg(11)->Arg(12);

void BM_CheckRestrictedJoin(benchmark::State& run) {
    RuleRoom room(rules_of(run));
    room.set_join_rule("restricted");
    check(run,
          room,
          room.member(kStranger, kStranger, "join", {{"join_authorised_via_users_server", kMod}}));
}
BENCHMARK(BM_CheckRestrictedJoin)->Arg(11)->Arg(12);

void BM_CheckRefusedJoin(benchmark::State& run) {
    const RuleRoom room(rules_of(run));
    check(run, room, room.member(kStranger, kStranger, "join"));
}
BENCHMARK(BM_CheckRefusedJoin)->Arg(11)->Arg(12);

// Levels as rooms have them: some moderators, some types.
json::Object usual_levels(const RuleRoom& room, int user_count) {
    json::Object users = {{kMod, 50}};
    if (!room.rules().has_privileged_creators) users.set(kCreator, 100);
    for (int number = 0; number < user_count; ++number)
        users.set("@moderator" + std::to_string(number) + ":example.org", 25);
    json::Object events;
    for (const char* type : {"m.room.name",
                             "m.room.power_levels",
                             "m.room.history_visibility",
                             "m.room.canonical_alias",
                             "m.room.avatar",
                             "m.room.tombstone",
                             "m.room.server_acl",
                             "m.room.encryption"}) {
        events.set(type, 50);
    }
    return {{"users", users}, {"events", events}};
}

// One user gets a level.
void check_power_levels(benchmark::State& run, int user_count) {
    RuleRoom room(rules_of(run));
    json::Object levels = usual_levels(room, user_count);
    room.set_power_levels(levels);
    levels.find("users")->if_object()->set(kUser, 10);
    check(run, room, room.make(kMod, "m.room.power_levels", "", levels));
}

void BM_CheckPowerLevels(benchmark::State& run) {
    check_power_levels(run, 5);
}
BENCHMARK(BM_CheckPowerLevels)->Arg(1)->Arg(11)->Arg(12);

void BM_CheckPowerLevelsOf1000Users(benchmark::State& run) {
    check_power_levels(run, 1000);
}
BENCHMARK(BM_CheckPowerLevelsOf1000Users)->Arg(11)->Arg(12);

void BM_CheckBanAmong1000Levels(benchmark::State& run) {
    RuleRoom room(rules_of(run));
    room.set_power_levels(usual_levels(room, 1000));
    check(run, room, room.member(kMod, kUser, "ban"));
}
BENCHMARK(BM_CheckBanAmong1000Levels)->Arg(11)->Arg(12);

void BM_SelectAuthEvents(benchmark::State& run) {
    const RuleRoom room(rules_of(run));
    const Event ban = room.member(kMod, kUser, "ban");
    for (auto _ : run)
        benchmark::DoNotOptimize(auth::required_state(ban));
}
BENCHMARK(BM_SelectAuthEvents)->Arg(11)->Arg(12);

}  // namespace
}  // namespace matrix::testing
