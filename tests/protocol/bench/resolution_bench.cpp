// State resolution, from the states to the resolved one, over events that are in the table of the
// resolver; how long it takes to put them there has rows of its own. The bounds are in
// tests/README.md.
//
// The column `allocations` counts what one iteration asked for; `conflicted` is the size of the
// full conflicted set.

#include <algorithm>
#include <ctime>
#include <memory>
#include <optional>
#include <set>

#include <benchmark/benchmark.h>

#include "conformance/oracle/state_resolution.h"
#include "refserver/base/assert.h"
#include "refserver/protocol/state_resolver.h"
#include "tests/generators/room.h"
#include "tests/protocol/allocations.h"
#include "tests/protocol/bench/large_room.h"

namespace matrix::testing {
namespace {

using Label = std::string;

// Reports the allocations of the iterations during its life, for each iteration.
class AllocationColumn {
public:
    explicit AllocationColumn(benchmark::State& run) : run_(run), before_(count_allocations()) {}
    AllocationColumn(const AllocationColumn&) = delete;
    AllocationColumn& operator=(const AllocationColumn&) = delete;
    ~AllocationColumn() {
        run_.counters["allocations"] = benchmark::Counter(
            static_cast<double>(count_allocations() - before_), benchmark::Counter::kAvgIterations);
    }

private:
    benchmark::State& run_;
    std::uint64_t before_;
};

const RoomRules& rules_of(const benchmark::State& run) {
    return *find_room_rules(std::to_string(run.range(0)));
}

std::unique_ptr<Resolver> make_resolver(const RoomRules& rules, FindEvent finder) {
    return std::make_unique<Resolver>(rules, std::move(finder), ed25519_verifier());
}

// Resolves the same states over and over, which the resolver has met: the first time its table is
// filled, the second time its memory has grown with the table.
void run_resolutions(benchmark::State& run, const LargeRoom& room, std::span<const State> states) {
    const auto resolver = make_resolver(room.rules(), room.finder());
    for (int count = 0; count < 2; ++count)
        resolver->resolve(states);
    {
        const AllocationColumn allocations(run);
        for (auto _ : run)
            benchmark::DoNotOptimize(resolver->resolve(states));
    }
    run.counters["conflicted"] = static_cast<double>(resolver->summary().conflicted_events);
    run.counters["events"] = static_cast<double>(resolver->event_count());
}

json::Object membership(std::string_view name) {
    return {{"membership", name}};
}

// A member changes the profile, with an event upon `before`.
EventId change_profile(LargeRoom& room, const Label& label, std::size_t member, EventId before) {
    return room.add({.label = label,
                     .sender = member,
                     .type = "m.room.member",
                     .state_key = LargeRoom::user(member),
                     .content = membership("join"),
                     .auth_events = {room.newest_power_levels(), room.join_rules(), before}});
}

EventId set_topic(LargeRoom& room, const Label& label, std::size_t member) {
    return room.add({.label = label,
                     .sender = member,
                     .type = "m.room.topic",
                     .state_key = "",
                     .auth_events = {room.newest_power_levels(), room.newest_membership(member)}});
}

EventId set_levels(LargeRoom& room,
                   const Label& label,
                   std::size_t moderator,
                   EventId before,
                   std::optional<EventId> creator = std::nullopt) {
    return room.add(
        {.label = label,
         .sender = 0,
         .type = "m.room.power_levels",
         .state_key = "",
         .content = room.levels(moderator),
         .auth_events = {std::move(before), creator.value_or(room.newest_membership(0))}});
}

EventId ban(LargeRoom& room, const Label& label, std::size_t member) {
    return room.add({.label = label,
                     .sender = 0,
                     .type = "m.room.member",
                     .state_key = LargeRoom::user(member),
                     .content = membership("ban"),
                     .auth_events = {room.newest_power_levels(),
                                     room.newest_membership(0),
                                     room.newest_membership(member)}});
}

StateKey member_key(std::size_t member) {
    return {"m.room.member", LargeRoom::user(member)};
}

// One state is ahead by a topic and a profile, the other one by a topic.
void resolve_3_of_10_events(benchmark::State& run) {
    LargeRoom room(rules_of(run), {.events = 7, .members = 3, .power_levels = 1});
    const State base = room.state();
    const State one =
        base.with({"m.room.topic", ""}, set_topic(room, "one", 1))
            .with(member_key(2), change_profile(room, "two", 2, room.newest_membership(2)));
    const State two = base.with({"m.room.topic", ""}, set_topic(room, "three", 2));
    run_resolutions(run, room, std::vector{one, two});
}
BENCHMARK(resolve_3_of_10_events)->Arg(1)->Arg(2)->Arg(11)->Arg(12);

// Rooms that chance made, of 20 to 60 events, and two to four of their states.
class RandomRooms {
public:
    explicit RandomRooms(const RoomRules& rules) {
        constexpr std::size_t kRooms = 64;
        for (std::uint64_t seed = 1; disputes_.size() < kRooms; ++seed) {
            auto choices = generators::Choices::from_seed(seed);
            auto room = std::make_unique<generators::Room>(generators::make_room(choices, rules));
            std::vector<State> states = generators::choose_states(choices, *room);
            const std::size_t size = room->events().size();
            if (size < 20 || size > 60 || states.size() < 2 || states.size() > 4) continue;
            auto resolver = make_resolver(rules, room->finder());
            for (int count = 0; count < 2; ++count)
                resolver->resolve(states);
            if (resolver->summary().conflicted_events == 0) continue;
            disputes_.push_back({std::move(room), std::move(states), std::move(resolver)});
        }
    }

    struct Dispute {
        std::unique_ptr<generators::Room> room;
        std::vector<State> states;
        std::unique_ptr<Resolver> resolver;
    };
    Dispute& next() { return disputes_[next_++ % disputes_.size()]; }

private:
    std::vector<Dispute> disputes_;
    std::size_t next_ = 0;
};

void resolve_random_rooms(benchmark::State& run) {
    RandomRooms rooms(rules_of(run));
    std::size_t conflicted = 0;
    {
        const AllocationColumn allocations(run);
        for (auto _ : run) {
            RandomRooms::Dispute& dispute = rooms.next();
            benchmark::DoNotOptimize(dispute.resolver->resolve(dispute.states));
            conflicted += dispute.resolver->summary().conflicted_events;
        }
    }
    run.counters["conflicted"] =
        benchmark::Counter(static_cast<double>(conflicted), benchmark::Counter::kAvgIterations);
}
BENCHMARK(resolve_random_rooms)->Arg(1)->Arg(2)->Arg(11)->Arg(12);

void index_random_rooms(benchmark::State& run) {
    RandomRooms rooms(rules_of(run));
    std::size_t events = 0;
    for (auto _ : run) {
        RandomRooms::Dispute& dispute = rooms.next();
        const auto resolver = make_resolver(rules_of(run), dispute.room->finder());
        benchmark::DoNotOptimize(resolver->resolve(dispute.states));
        events += resolver->event_count();
    }
    run.counters["events"] =
        benchmark::Counter(static_cast<double>(events), benchmark::Counter::kAvgIterations);
}
BENCHMARK(index_random_rooms)->Arg(11)->Arg(12);

// The creator changes their profile, with events that cite nothing that anybody disputes.
EventId make_quiet_chain(LargeRoom& room, std::size_t length) {
    EventId last = room.newest_membership(0);
    for (std::size_t count = 0; count < length; ++count) {
        last = room.add({.label = "creator-" + std::to_string(count),
                         .sender = 0,
                         .type = "m.room.member",
                         .state_key = LargeRoom::user(0),
                         .content = membership("join"),
                         .auth_events = {room.join_rules(), last}});
    }
    return last;
}

// A long netsplit: on one side sixteen members have changed their profiles, and the creator the
// power levels, again and again.
std::vector<State> make_long_dispute(LargeRoom& room) {
    constexpr std::size_t kMembers = 16;
    constexpr std::size_t kChanges = 15;        // Of each profile; all but the last are in between.
    constexpr std::size_t kLevelsChanges = 14;  // 16 * 14 + 13 = 237 events are in between.
    constexpr std::size_t kQuiet = 9;           // On no way between two disputed events.
    const State base = room.state();
    State ahead = base;
    for (std::size_t member = 1; member <= kMembers; ++member) {
        EventId last = room.newest_membership(member);
        for (std::size_t count = 0; count < kChanges; ++count) {
            const Label label = std::to_string(member) + "-" + std::to_string(count);
            last = change_profile(room, label, member, last);
        }
        ahead = ahead.with(member_key(member), last);
    }
    const EventId creator = make_quiet_chain(room, kQuiet);
    EventId levels = room.newest_power_levels();
    for (std::size_t count = 0; count < kLevelsChanges; ++count) {
        const Label label = "levels-" + std::to_string(count);
        levels = set_levels(room, label, 1 + count, levels, creator);
    }
    return {base, ahead.with({"m.room.power_levels", ""}, levels)};
}

// The oracle's trace of a resolution.
oracle::Trace trace_of(const oracle::Room& literal, std::span<const State> states) {
    std::vector<oracle::StateMap> maps;
    for (const State& state : states) {
        oracle::StateMap& map = maps.emplace_back();
        state.for_each(
            [&](const StateKey& key, const EventId& id) { map[{key.type, key.state_key}] = id; });
    }
    return oracle::resolve(literal, maps).trace;
}

// The room of everything that the states lead to.
oracle::Room oracle_room_of(const LargeRoom& room, std::span<const State> states) {
    std::vector<EventId> pending;
    for (const State& state : states)
        state.for_each([&](const StateKey&, const EventId& id) { pending.push_back(id); });
    const FindEvent find = room.finder();
    oracle::Room literal(room.rules());
    std::set<EventId> seen;
    while (!pending.empty()) {
        const EventId id = pending.back();
        pending.pop_back();
        if (!seen.insert(id).second) continue;
        const EventPtr event = find(id).event;
        literal.add(event, oracle::Standing::Accepted);
        pending.insert(pending.end(), event->auth_events.begin(), event->auth_events.end());
    }
    return literal;
}

// What the oracle finds, as columns: the events are made by hand, so they are counted by another.
void show_shape(benchmark::State& run, const LargeRoom& room, std::span<const State> states) {
    const oracle::Room literal = oracle_room_of(room, states);
    const oracle::Trace trace = trace_of(literal, states);
    run.counters["keys"] = static_cast<double>(trace.conflicted_keys.size());
    run.counters["auth_difference"] = static_cast<double>(trace.auth_difference.size());
    run.counters["subgraph"] = static_cast<double>(trace.conflicted_subgraph.size());
    MATRIX_ASSERT(trace.conflicted_keys.size() == 17);
    MATRIX_ASSERT(trace.auth_difference.size() == 263);
    const bool has_subgraph = room.rules().state_resolution == StateResolution::V2_1;
    MATRIX_ASSERT(trace.conflicted_subgraph.size() == (has_subgraph ? 271U : 0U));
}

void resolve_17_keys_with_a_difference_of_263(benchmark::State& run) {
    LargeRoom room(rules_of(run), {.events = 100, .members = 20, .power_levels = 2});
    const std::vector<State> states = make_long_dispute(room);
    run_resolutions(run, room, states);
    show_shape(run, room, states);
}
BENCHMARK(resolve_17_keys_with_a_difference_of_263)
    ->Arg(2)
    ->Arg(11)
    ->Arg(12)
    ->Unit(benchmark::kMicrosecond);

// Two states that differ in 17 keys: power levels, topic, bans on one side and profiles on both.
std::vector<State> make_dispute_of_17_keys(LargeRoom& room) {
    State one = room.state();
    State two = one;
    const EventId levels = room.newest_power_levels();
    one = one.with({"m.room.power_levels", ""}, set_levels(room, "levels-1", 1, levels));
    two = two.with({"m.room.power_levels", ""}, set_levels(room, "levels-2", 2, levels));
    one = one.with({"m.room.topic", ""}, set_topic(room, "topic-1", 3));
    two = two.with({"m.room.topic", ""}, set_topic(room, "topic-2", 4));
    for (std::size_t member = 10; member < 25; ++member) {
        const Label label = "member-" + std::to_string(member);
        const bool is_banned = member % 5 == 0;
        const EventId event =
            is_banned ? ban(room, label, member)
                      : change_profile(room, label, member, room.newest_membership(member));
        State& changed = member % 2 == 0 ? one : two;
        changed = changed.with(member_key(member), event);
    }
    return {one, two};
}

// The room of the HQ of Matrix: 206,000 auth events, 31,000 state entries.
constexpr LargeRoom::Size kHqSize = {.events = 206'000, .members = 31'000, .power_levels = 300};

void resolve_17_keys_of_a_room_like_hq(benchmark::State& run) {
    LargeRoom room(rules_of(run), kHqSize);
    const std::vector<State> states = make_dispute_of_17_keys(room);
    run_resolutions(run, room, states);
}
BENCHMARK(resolve_17_keys_of_a_room_like_hq)->Arg(11)->Arg(12)->Unit(benchmark::kMicrosecond);

// The same when the resolver knows nothing of these states: in between it resolves small states of
// the room, after which it has to go through all 31,000 entries again.
void resolve_17_keys_of_a_room_like_hq_from_scratch(benchmark::State& run) {
    LargeRoom room(rules_of(run), kHqSize);
    const std::vector<State> states = make_dispute_of_17_keys(room);
    const EventId profile = change_profile(room, "a", 1, room.newest_membership(1));
    const std::vector<State> small = {State().with(member_key(1), profile),
                                      State().with(member_key(2), room.newest_membership(2))};
    const auto resolver = make_resolver(room.rules(), room.finder());
    for (int count = 0; count < 2; ++count) {
        resolver->resolve(states);
        resolver->resolve(small);
    }
    const AllocationColumn allocations(run);
    for (auto _ : run) {
        run.PauseTiming();
        resolver->resolve(small);
        run.ResumeTiming();
        benchmark::DoNotOptimize(resolver->resolve(states));
    }
}
BENCHMARK(resolve_17_keys_of_a_room_like_hq_from_scratch)
    ->Arg(11)
    ->Arg(12)
    ->Unit(benchmark::kMicrosecond);

void index_a_room_like_hq(benchmark::State& run) {
    LargeRoom room(rules_of(run), kHqSize);
    const std::vector<State> states = make_dispute_of_17_keys(room);
    for (auto _ : run) {
        const auto resolver = make_resolver(room.rules(), room.finder());
        resolver->resolve(states);
        run.counters["events"] = static_cast<double>(resolver->event_count());
    }
}
BENCHMARK(index_a_room_like_hq)->Arg(11)->Unit(benchmark::kMillisecond);

double thread_cpu_us() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

// The same in pieces of which each fits into a turn of a server: `longest_cpu_us` is the longest
// one, `resolution_cpu_us` the resolution that follows.
void look_up_a_room_like_hq_in_pieces(benchmark::State& run) {
    constexpr std::size_t kSteps = 128;
    LargeRoom room(rules_of(run), kHqSize);
    const std::vector<State> states = make_dispute_of_17_keys(room);
    double longest = 0;
    std::size_t pieces = 0;
    for (auto _ : run) {
        const auto resolver = make_resolver(room.rules(), room.finder());
        for (bool is_done = false; !is_done; ++pieces) {
            const double start = thread_cpu_us();
            is_done = resolver->look_up(states, kSteps);
            longest = std::max(longest, thread_cpu_us() - start);
        }
        const double start = thread_cpu_us();
        resolver->resolve(states);
        run.counters["resolution_cpu_us"] = thread_cpu_us() - start;
    }
    run.counters["longest_cpu_us"] = longest;
    run.counters["pieces"] =
        benchmark::Counter(static_cast<double>(pieces), benchmark::Counter::kAvgIterations);
}
BENCHMARK(look_up_a_room_like_hq_in_pieces)->Arg(11)->Arg(12)->Unit(benchmark::kMillisecond);

// The same conflict in rooms of any size.
void resolve_17_keys_of_a_room_of_size(benchmark::State& run) {
    const auto events = static_cast<std::size_t>(run.range(1));
    LargeRoom room(rules_of(run), {.events = events, .members = events / 7, .power_levels = 10});
    run_resolutions(run, room, make_dispute_of_17_keys(room));
}
BENCHMARK(resolve_17_keys_of_a_room_of_size)
    ->ArgsProduct({{11, 12}, {1'000, 10'000, 100'000, 1'000'000}})
    ->Unit(benchmark::kMicrosecond);

// Everybody's server has seen another power-level edit first.
void resolve_concurrent_power_levels(benchmark::State& run) {
    LargeRoom room(rules_of(run), {.events = 100, .members = 20, .power_levels = 2});
    const State base = room.state();
    std::vector<State> states;
    for (std::int64_t count = 0; count < run.range(1); ++count) {
        const EventId levels = set_levels(room,
                                          "levels-" + std::to_string(count),
                                          static_cast<std::size_t>(1 + count % 10),
                                          room.newest_power_levels());
        states.push_back(base.with({"m.room.power_levels", ""}, levels));
    }
    run_resolutions(run, room, states);
    run.SetComplexityN(run.range(1));
}
BENCHMARK(resolve_concurrent_power_levels)
    ->ArgsProduct({{11, 12}, {2'000, 4'000, 8'000, 16'000}})
    ->Unit(benchmark::kMicrosecond);

// As wide as can be: layers of a thousand members, who never cite each other but cite ten events of
// the layer below; one state has all of it, the other one nothing.
void resolve_an_antichain(benchmark::State& run) {
    constexpr std::size_t kWidth = 1'000;
    constexpr std::size_t kFanIn = 10;
    LargeRoom room(rules_of(run), {.events = 100, .members = 20, .power_levels = 2});
    const State base = room.state();
    State wide = base;
    std::vector<EventId> below(kWidth, room.newest_membership(1));
    for (std::size_t layer = 0; layer < static_cast<std::size_t>(run.range(1)) / kWidth; ++layer) {
        std::vector<EventId> events;
        for (std::size_t place = 0; place < kWidth; ++place) {
            const std::size_t member = 100 + layer * kWidth + place;
            std::vector<EventId> cited = {room.newest_power_levels(), room.join_rules()};
            for (std::size_t count = 0; count < kFanIn; ++count)
                cited.push_back(below[(place * 7 + count * 101) % kWidth]);
            events.push_back(room.add({.label = std::to_string(member),
                                       .sender = member,
                                       .type = "m.room.member",
                                       .state_key = LargeRoom::user(member),
                                       .content = membership("join"),
                                       .auth_events = cited}));
            wide = wide.with(member_key(member), events.back());
        }
        below = std::move(events);
    }
    run_resolutions(run, room, std::vector{base, wide});
}
BENCHMARK(resolve_an_antichain)
    ->ArgsProduct({{11, 12}, {5'000, 10'000, 20'000}})
    ->Unit(benchmark::kMillisecond);

void change_the_state_of_a_room_like_hq(benchmark::State& run) {
    LargeRoom room(rules_of(run), kHqSize);
    const State base = room.state();
    const EventId topic = set_topic(room, "topic", 1);
    for (auto _ : run)
        benchmark::DoNotOptimize(base.with({"m.room.topic", ""}, topic));
}
BENCHMARK(change_the_state_of_a_room_like_hq)->Arg(12);

void find_in_the_state_of_a_room_like_hq(benchmark::State& run) {
    const State state = LargeRoom(rules_of(run), kHqSize).state();
    const std::string user = LargeRoom::user(777);
    for (auto _ : run)
        benchmark::DoNotOptimize(state.find("m.room.member", user));
}
BENCHMARK(find_in_the_state_of_a_room_like_hq)->Arg(12);

void compare_states_of_a_room_like_hq(benchmark::State& run) {
    LargeRoom room(rules_of(run), kHqSize);
    const std::vector<State> states = make_dispute_of_17_keys(room);
    for (auto _ : run)
        benchmark::DoNotOptimize(diff(states[0], states[1]));
}
BENCHMARK(compare_states_of_a_room_like_hq)->Arg(12);

}  // namespace
}  // namespace matrix::testing
