// How long an authorization check and a resolution take.

#include <benchmark/benchmark.h>

#include "refserver/protocol/state_resolution.h"
#include "tests/generators/room.h"
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

// Two to five states of a random room of some forty events.
void BM_ResolveRandomRoom(benchmark::State& run) {
    auto choices = generators::Choices::from_seed(7);
    const RoomRules& rules = rules_of(run);
    const generators::Room room = generators::make_room(choices, rules);
    std::vector<std::vector<State>> disputes;
    for (int count = 0; count < 64; ++count) {
        disputes.push_back(generators::choose_states(choices, room));
    }
    std::size_t next = 0;
    std::size_t conflicted = 0;
    for (auto _ : run) {
        ResolutionTrace trace;
        benchmark::DoNotOptimize(
            resolve(disputes[next++ % 64], room.finder(), rules, ed25519_verifier(), &trace));
        conflicted += trace.full_conflicted_set.size();
    }
    run.counters["conflicted"] =
        static_cast<double>(conflicted) / static_cast<double>(run.iterations());
}
BENCHMARK(BM_ResolveRandomRoom)->Arg(11)->Arg(12);

// A room of many members, in which two servers set the topic at the same time.
class LargeRoom {
public:
    LargeRoom(const RoomRules& rules, int member_count) : rules_(rules) {
        json::Object create;
        if (rules.has_creator_in_content) create.set("creator", "@u0:a");
        add("$create:a", "m.room.create", "", create, {});
        add("$join", "m.room.member", "@u0:a", {{"membership", "join"}}, {}, {"$create:a"});
        add("$levels", "m.room.power_levels", "", {{"state_default", 0}}, {"$join"});
        add("$rules", "m.room.join_rules", "", {{"join_rule", "public"}}, {"$join", "$levels"});
        for (int number = 1; number < member_count; ++number) {
            const std::string user = "@u" + std::to_string(number) + ":a";
            add("$join" + std::to_string(number),
                "m.room.member",
                user,
                {{"membership", "join"}},
                {"$levels", "$rules"},
                {"$before"},
                user);
        }
        base_ = State::make(entries_);
        add("$topic1", "m.room.topic", "", {}, {"$join", "$levels"});
        add("$topic2", "m.room.topic", "", {}, {"$join1", "$levels"}, {"$before"}, "@u1:a");
    }

    const State& base() const { return base_; }
    State with_topic(const char* id) const { return base_.with({"m.room.topic", ""}, EventId(id)); }
    FindEvent finder() const { return store_.finder(); }

private:
    void add(const std::string& id,
             const char* type,
             const std::string& state_key,
             const json::Object& content,
             std::vector<std::string> auth_events,
             std::vector<std::string> prev_events = {"$before"},
             const std::string& sender = "@u0:a") {
        const bool cites_create = rules_.event_format != EventFormat::HashedRoomId;
        if (cites_create && id != "$create:a") auth_events.push_back("$create:a");
        if (id == "$create:a") prev_events.clear();
        store_.add(make_abstract_event({.id = id,
                                        .type = type,
                                        .state_key = state_key,
                                        .sender = sender,
                                        .content = content,
                                        .auth_events = std::move(auth_events),
                                        .prev_events = std::move(prev_events)},
                                       rules_));
        entries_.emplace_back(StateKey{type, state_key}, EventId(id));
    }

    const RoomRules& rules_;
    EventStore store_;
    std::vector<std::pair<StateKey, EventId>> entries_;
    State base_;
};

constexpr int kManyMembers = 30'000;

void BM_ResolveTopicOfLargeRoom(benchmark::State& run) {
    const LargeRoom room(rules_of(run), kManyMembers);
    const std::vector<State> states = {room.with_topic("$topic1"), room.with_topic("$topic2")};
    for (auto _ : run) {
        benchmark::DoNotOptimize(
            resolve(states, room.finder(), rules_of(run), ed25519_verifier(), nullptr));
    }
}
BENCHMARK(BM_ResolveTopicOfLargeRoom)->Arg(11)->Arg(12)->Unit(benchmark::kMicrosecond);

void BM_ChangeStateOfLargeRoom(benchmark::State& run) {
    const LargeRoom room(rules_of(run), kManyMembers);
    for (auto _ : run)
        benchmark::DoNotOptimize(room.with_topic("$topic1"));
}
BENCHMARK(BM_ChangeStateOfLargeRoom)->Arg(12);

void BM_FindInStateOfLargeRoom(benchmark::State& run) {
    const LargeRoom room(rules_of(run), kManyMembers);
    for (auto _ : run)
        benchmark::DoNotOptimize(room.base().find("m.room.member", "@u777:a"));
}
BENCHMARK(BM_FindInStateOfLargeRoom)->Arg(12);

void BM_DifferenceOfLargeRooms(benchmark::State& run) {
    const LargeRoom room(rules_of(run), kManyMembers);
    const State one = room.with_topic("$topic1");
    const State two = room.base().with({"m.room.member", "@u777:a"}, EventId("$other"));
    for (auto _ : run)
        benchmark::DoNotOptimize(diff(one, two));
}
BENCHMARK(BM_DifferenceOfLargeRooms)->Arg(12);

}  // namespace
}  // namespace matrix::testing
