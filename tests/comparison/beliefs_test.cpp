// What is widely believed of state resolution, and is false: each test finds a counter-example.
//
// A test fails if it finds none within its bound: then either the belief has become true, which the
// specification does not say, or the rooms no longer have what it takes.

#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

#include "refserver/protocol/base64.h"
#include "tests/comparison/answers.h"
#include "tests/generators/state_sets.h"

namespace matrix::comparison {
namespace {

using generators::Choices;
using generators::Room;

// A room and states of it, and how to resolve some.
struct Case {
    const Room& room;
    const std::vector<State>& states;

    State resolve(std::vector<State> some) const {
        return matrix::resolve(some, room.finder(), room.rules(), ed25519_verifier());
    }
    State resolve() const { return resolve(states); }
    Answer ask(const oracle::Options& options) const {
        return ask_oracle(oracle_room_of(room), states, options);
    }
};
using Belief = std::function<bool(const Case& tried)>;

enum class Honesty { Honest, AnySender };

// After how many cases the belief failed; the bound if it held in all.
std::uint64_t find_counter_example(std::string_view version, Honesty honesty, const Belief& holds) {
    constexpr std::uint64_t kCasesMax = 6'000;
    constexpr std::uint64_t kPerRoom = 10;
    std::uint64_t cases = 0;
    for (std::uint64_t seed = 0; cases < kCasesMax; ++seed) {
        Choices choices = Choices::from_seed(seed);
        generators::RoomLimits limits = generators::kHonestRoom;
        limits.has_wrong_states = honesty == Honesty::AnySender;
        const Room room = generators::make_room(choices, *find_room_rules(version), limits);
        for (std::uint64_t number = 0; number < kPerRoom; ++number) {
            ++cases;
            const std::vector<State> states = honesty == Honesty::Honest
                                                  ? choose_honest_states(choices, room)
                                                  : choose_states(choices, room);
            if (!holds({room, states})) return cases;
        }
    }
    return kCasesMax;
}

void expect_counter_example(Honesty honesty, const Belief& holds) {
    constexpr std::uint64_t kCasesMax = 6'000;
    for (const std::string_view version : {"11", "12"}) {
        const std::uint64_t cases = find_counter_example(version, honesty, holds);
        EXPECT_LT(cases, kCasesMax) << "no counter-example in version " << version;
        ::testing::Test::RecordProperty("cases_v" + std::string(version), std::to_string(cases));
    }
}

// P-F1
TEST(FalseBeliefs, StatesMayBeResolvedOneByOne) {
    expect_counter_example(Honesty::Honest, [](const Case& tried) {
        if (tried.states.size() < 3) return true;
        State folded = tried.states.front();
        for (const State& state : tried.states)
            folded = tried.resolve({folded, state});
        return folded == tried.resolve();
    });
}

// P-F2
TEST(FalseBeliefs, ResolvingAStateAgainChangesNothing) {
    expect_counter_example(Honesty::Honest, [](const Case& tried) {
        const State resolved = tried.resolve();
        return tried.resolve({resolved, tried.states.front()}) == resolved;
    });
}

// P-F3
TEST(FalseBeliefs, TheResultHasOnlyWhatSomeStateHad) {
    expect_counter_example(Honesty::Honest, [](const Case& tried) {
        bool is_subset = true;
        tried.resolve().for_each([&](const StateKey& key, const EventId& id) {
            is_subset = is_subset && std::ranges::any_of(tried.states, [&](const State& state) {
                            const EventId* value = state.find(key);
                            return value && *value == id;
                        });
        });
        return is_subset;
    });
}

// P-F4
TEST(FalseBeliefs, TheStateOfADescendantWins) {
    expect_counter_example(Honesty::Honest, [](const Case& tried) {
        for (const generators::RoomEvent& made : tried.room.events()) {
            if (made.parents.size() != 1 || made.is_rejected) continue;
            const auto& parent = tried.room.events()[made.parents.front()];
            for (const std::size_t ancestor : parent.parents) {
                const State& old = tried.room.events()[ancestor].after;
                if (!(tried.resolve({old, made.after}) == made.after)) return false;
            }
        }
        return true;
    });
}

// P-F5
TEST(FalseBeliefs, AResolvedStateAllowsItsEvents) {
    expect_counter_example(Honesty::Honest, [](const Case& tried) {
        const State resolved = tried.resolve();
        bool allows_all = true;
        resolved.for_each([&](const StateKey&, const EventId& id) {
            const EventPtr event = tried.room.find(id).event;
            auth::AuthState state;
            state.set(auth::Role::Create, tried.room.events().front().event.get());
            for (const auto& [role, type, state_key] : auth::required_state(*event)) {
                const EventId* entry = resolved.find(type, state_key);
                if (entry) state.set(role, tried.room.find(*entry).event.get());
            }
            if (!auth::check_against(state, *event, ed25519_verifier())) allows_all = false;
        });
        return allows_all;
    });
}

bool keeps_all_keys(const State& resolved, const std::vector<State>& states) {
    bool keeps = true;
    states.front().for_each([&](const StateKey& key, const EventId&) {
        const bool is_in_all =
            std::ranges::all_of(states, [&](const State& state) { return state.find(key); });
        if (is_in_all && !resolved.find(key)) keeps = false;
    });
    return keeps;
}

// P-F6
TEST(FalseBeliefs, AKeyOfAllStatesStays) {
    expect_counter_example(Honesty::Honest, [](const Case& tried) {
        return keeps_all_keys(tried.resolve(), tried.states);
    });
}

bool is_auth_key(const StateKey& key) {
    return key.type == "m.room.create" || key.type == "m.room.power_levels" ||
           key.type == "m.room.join_rules" || key.type == "m.room.member" ||
           key.type == "m.room.third_party_invite";
}

State auth_part(const State& state) {
    State part = state;
    state.for_each([&](const StateKey& key, const EventId&) {
        if (!is_auth_key(key)) part = part.without(key);
    });
    return part;
}

// P-F7
TEST(FalseBeliefs, TopicsDoNotInfluenceMemberships) {
    expect_counter_example(Honesty::AnySender, [](const Case& tried) {
        std::vector<State> parts;
        for (const State& state : tried.states)
            parts.push_back(auth_part(state));
        return auth_part(tried.resolve()) == tried.resolve(parts);
    });
}

State state_of(const oracle::StateMap& map) {
    std::vector<std::pair<StateKey, EventId>> entries;
    for (const auto& [key, id] : map)
        entries.push_back({{key.first, key.second}, id});
    return State::make(entries);
}

oracle::Options with_deviation(oracle::Deviation deviation) {
    oracle::Options options;
    options.deviations.insert(deviation);
    return options;
}

// P-F8
TEST(FalseBeliefs, V21LosesNoKeyThatV2Keeps) {
    constexpr std::uint64_t kCasesMax = 6'000;
    const auto holds = [](const Case& tried) {
        if (keeps_all_keys(tried.resolve(), tried.states)) return true;
        const auto v2 = tried.ask(with_deviation(oracle::Deviation::AlgorithmsSwapped));
        return !keeps_all_keys(state_of(v2.state), tried.states);
    };
    EXPECT_LT(find_counter_example("12", Honesty::AnySender, holds), kCasesMax);
}

// P-F9
TEST(FalseBeliefs, V2AndV21AgreeOnHonestRooms) {
    expect_counter_example(Honesty::Honest, [](const Case& tried) {
        const auto other = tried.ask(with_deviation(oracle::Deviation::AlgorithmsSwapped));
        return state_of(other.state) == tried.resolve();
    });
}

// Commands that all follow on the newest event, a millisecond after it.
Room make_linear_room(std::uint64_t seed, const RoomRules& rules) {
    constexpr std::size_t kCommands = 40;
    constexpr std::size_t kParents = 5;  // Their places among the numbers of a command.
    constexpr std::size_t kClock = 6;
    Choices source = Choices::from_seed(seed);
    std::vector<std::uint32_t> numbers(generators::kChoicesBeforeCommands, 0);
    for (std::size_t number = 0; number < kCommands * generators::kChoicesPerCommand; ++number) {
        const std::size_t place = number % generators::kChoicesPerCommand;
        const auto drawn = static_cast<std::uint32_t>(source.below(UINT32_MAX));
        numbers.push_back(place == kParents || place == kClock ? 0 : drawn);
    }
    Choices choices = Choices::from_numbers(std::move(numbers));
    return generators::make_room(choices, rules, generators::kHonestRoom);
}

// P-F10: one stale entry in one state, and an old value comes back.
TEST(FalseBeliefs, ALinearRoomIsNeverReset) {
    constexpr std::uint64_t kRooms = 400;
    for (const std::string_view version : {"11", "12"}) {
        bool is_found = false;
        for (std::uint64_t seed = 0; seed < kRooms && !is_found; ++seed) {
            const Room room = make_linear_room(seed, *find_room_rules(version));
            const State& current = room.events().back().after;
            for (const generators::RoomEvent& made : room.events()) {
                const Event& old = *made.event;
                if (!old.is_state() || !current.find(old.type, *old.state_key)) continue;
                const std::vector<State> states = {
                    current, current.with({old.type, *old.state_key}, old.id)};
                if (!(Case{room, states}.resolve() == current)) is_found = true;
            }
        }
        EXPECT_TRUE(is_found) << version;
    }
}

// P-R18, which says when it is true: between the states no power event, and times grow.
TEST(StateResolutionLaws, TakesTheNewerStateOfALinearRoomWithoutPowerEventsBetween) {
    constexpr std::uint64_t kRooms = 60;
    std::uint64_t pairs = 0;
    for (std::uint64_t seed = 0; seed < kRooms; ++seed) {
        for (const std::string_view version : {"2", "6", "9", "11", "12"}) {
            const Room room = make_linear_room(seed, *find_room_rules(version));
            for (std::size_t older = 0; older < room.events().size(); ++older) {
                for (std::size_t newer = older + 1; newer < room.events().size(); ++newer) {
                    const Event& between = *room.events()[newer].event;
                    const bool is_power_event = between.type == "m.room.power_levels" ||
                                                between.type == "m.room.join_rules" ||
                                                (between.type == "m.room.member" &&
                                                 between.sender.view() != *between.state_key);
                    if (is_power_event) break;
                    const State& wanted = room.events()[newer].after;
                    const std::vector<State> states = {room.events()[older].after, wanted};
                    ++pairs;
                    ASSERT_EQ((Case{room, states}.resolve() == wanted), true)
                        << "version " << version << " seed " << seed << ": events " << older
                        << " and " << newer << '\n'
                        << describe(room, {.states = states, .missing = {}});
                }
            }
        }
    }
    EXPECT_GE(pairs, 2'000U);
}

// P-F11
TEST(FalseBeliefs, AuthChainsMayHoldTheStateItself) {
    oracle::Options inclusive;
    inclusive.quirks.insert(oracle::Quirk::InclusiveChains);
    expect_counter_example(Honesty::AnySender, [&](const Case& tried) {
        return state_of(tried.ask(inclusive).state) == tried.resolve();
    });
}

// P-F12: who back-dates events changes the result also where no two times are equal.
TEST(FalseBeliefs, TimesMatterInTiesOnly) {
    expect_counter_example(Honesty::Honest, [](const Case& tried) {
        std::set<std::int64_t> times;
        for (const generators::RoomEvent& made : tried.room.events()) {
            if (!times.insert(made.event->origin_server_ts).second) return true;
        }
        const FindEvent back_dated = [&](const EventId& id) {
            auth::CitedEvent found = tried.room.find(id);
            Event event = *found.event;
            event.origin_server_ts = -event.origin_server_ts;
            found.event = std::make_shared<const Event>(std::move(event));
            return found;
        };
        return resolve(tried.states, back_dated, tried.room.rules(), ed25519_verifier()) ==
               tried.resolve();
    });
}

// P-F13
TEST(FalseBeliefs, EventIdsAreOrderedLikeTheirHashes) {
    std::string previous(32, '\0');
    bool is_found = false;
    for (unsigned first = 1; first < 256 && !is_found; ++first) {
        std::string digest(32, '\0');
        digest[0] = static_cast<char>(first);
        is_found = encode_base64_url(previous) > encode_base64_url(digest);
        previous = digest;
    }
    EXPECT_TRUE(is_found);
}

}  // namespace
}  // namespace matrix::comparison
