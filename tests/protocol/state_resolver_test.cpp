// A resolver that lives long says the same as one that was made for the occasion.

#include "refserver/protocol/state_resolver.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/generators/room.h"
#include "tests/protocol/abstract_room.h"
#include "tests/protocol/allocations.h"

namespace matrix::testing {
namespace {

using generators::Choices;

const RoomRules& any_room_rules() {
    return all_room_rules()[*rc::gen::inRange<std::size_t>(0, all_room_rules().size())];
}

generators::Room any_generated_room(const RoomRules& rules) {
    Choices choices = Choices::from_seed(*rc::gen::arbitrary<std::uint64_t>());
    return generators::make_room(choices, rules);
}

std::string describe(const ResolutionTrace& trace) {
    std::string text;
    const auto add = [&](const char* what, const std::vector<EventId>& ids) {
        text += what;
        for (const EventId& id : ids)
            text += ' ' + id.text();
    };
    add("conflicted", trace.full_conflicted_set);
    add(" power", trace.power_events);
    add(" mainline", trace.mainline);
    add(" remaining", trace.remaining_events);
    for (const ResolutionTrace::Step& step : trace.steps) {
        text += ' ' + step.event_id.text() + ' ';
        text += step.verdict ? "allowed" : step.verdict.error().rule;
    }
    return text;
}

RC_GTEST_PROP(ResolverLaws, SaysWhatAFreshOneSays, ()) {
    const RoomRules& rules = any_room_rules();
    const generators::Room room = any_generated_room(rules);
    Choices choices = Choices::from_seed(*rc::gen::arbitrary<std::uint64_t>());
    Resolver old(rules, room.finder(), ed25519_verifier());
    for (int count = 0; count < 10; ++count) {
        const std::vector<State> states = generators::choose_states(choices, room);
        ResolutionTrace trace;
        ResolutionTrace fresh_trace;
        const State resolved = old.resolve(states, &trace);
        const State fresh = resolve(states, room.finder(), rules, ed25519_verifier(), &fresh_trace);
        RC_ASSERT(resolved == fresh);
        RC_ASSERT(resolved.root() == fresh.root());
        RC_ASSERT(describe(trace) == describe(fresh_trace));
        RC_ASSERT(old.resolve(states) == fresh);
    }
}

// Events come one by one, and not in their order; marks of rejection come and go.
RC_GTEST_PROP(ResolverLaws, LearnsWhatItDidNotKnow, ()) {
    const RoomRules& rules = any_room_rules();
    const generators::Room room = any_generated_room(rules);
    Choices choices = Choices::from_seed(*rc::gen::arbitrary<std::uint64_t>());
    std::set<EventId> known;
    std::set<EventId> changed;
    const FindEvent finder = [&](const EventId& id) {
        auth::CitedEvent found = known.contains(id) ? room.find(id) : auth::CitedEvent();
        found.is_rejected ^= changed.contains(id);
        return found;
    };
    Resolver old(rules, finder, ed25519_verifier());
    for (int count = 0; count < 20; ++count) {
        const std::vector<State> states = generators::choose_states(choices, room);
        RC_ASSERT(old.resolve(states) == resolve(states, finder, rules, ed25519_verifier()));
        for (std::size_t more = choices.below(room.events().size()); more > 0; --more)
            known.insert(room.events()[choices.below(room.events().size())].event->id);
        const EventId& other = room.events()[choices.below(room.events().size())].event->id;
        if (!changed.insert(other).second) changed.erase(other);
        old.refresh(other);
    }
}

// Between two bits of a look-up, events change and other states are resolved.
RC_GTEST_PROP(ResolverLaws, SaysTheSameWhatItHasLookedUpBefore, ()) {
    const RoomRules& rules = any_room_rules();
    const generators::Room room = any_generated_room(rules);
    Choices choices = Choices::from_seed(*rc::gen::arbitrary<std::uint64_t>());
    std::set<EventId> changed;
    const FindEvent finder = [&](const EventId& id) {
        auth::CitedEvent found = room.find(id);
        found.is_rejected ^= changed.contains(id);
        return found;
    };
    Resolver old(rules, finder, ed25519_verifier());
    for (int count = 0; count < 10; ++count) {
        const std::vector<State> states = generators::choose_states(choices, room);
        const std::size_t steps = 1 + choices.below(10);
        while (!old.look_up(states, steps)) {
            const EventId& other = room.events()[choices.below(room.events().size())].event->id;
            if (choices.below(4) == 0) {
                if (!changed.insert(other).second) changed.erase(other);
                old.refresh(other);
            }
            if (choices.below(8) == 0) {
                const std::vector<State> others = generators::choose_states(choices, room);
                RC_ASSERT(old.resolve(others) ==
                          resolve(others, finder, rules, ed25519_verifier()));
            }
        }
        ResolutionTrace trace;
        ResolutionTrace fresh_trace;
        const State fresh = resolve(states, finder, rules, ed25519_verifier(), &fresh_trace);
        RC_ASSERT(old.resolve(states, &trace) == fresh);
        RC_ASSERT(describe(trace) == describe(fresh_trace));
    }
}

RC_GTEST_PROP(ResolverLaws, AsksForNoEventThatItHasNotLookedUp, ()) {
    const RoomRules& rules = any_room_rules();
    const generators::Room room = any_generated_room(rules);
    Choices choices = Choices::from_seed(*rc::gen::arbitrary<std::uint64_t>());
    std::set<EventId> asked;
    std::size_t asked_at_once = 0;
    const FindEvent finder = [&](const EventId& id) {
        asked.insert(id);
        ++asked_at_once;
        return room.find(id);
    };
    Resolver resolver(rules, finder, ed25519_verifier());
    const std::vector<State> states = generators::choose_states(choices, room);
    const std::size_t steps = 1 + choices.below(10);
    bool is_done = false;
    while (!is_done) {
        asked_at_once = 0;
        is_done = resolver.look_up(states, steps);
        // An entry costs its step when it is added, not when it is looked up.
        RC_ASSERT(asked_at_once <= 2 * steps + 1);
    }
    const std::size_t known = asked.size();
    resolver.resolve(states);
    if (rules.state_resolution == StateResolution::V1) return;  // It reads few events besides.
    RC_ASSERT(asked.size() == known);
}

RC_GTEST_PROP(ResolverLaws, ReturnsTheVeryStateThatTheResultEquals, ()) {
    const RoomRules& rules = any_room_rules();
    const generators::Room room = any_generated_room(rules);
    Choices choices = Choices::from_seed(*rc::gen::arbitrary<std::uint64_t>());
    const std::vector<State> states = generators::choose_states(choices, room);
    const State resolved = resolve(states, room.finder(), rules, ed25519_verifier());
    for (const State& state : states) {
        if (!(state == resolved)) continue;
        RC_ASSERT(std::ranges::any_of(
            states, [&](const State& same) { return same.tree() == resolved.tree(); }));
    }
}

TEST(Resolver, TakesMoreStatesThanAWordHasBits) {
    for (const char* version : {"1", "2", "11", "12"}) {
        const RoomRules& rules = *find_room_rules(version);
        Choices choices = Choices::from_seed(7);
        const generators::Room room = generators::make_room(choices, rules);
        std::vector<State> few = generators::choose_states(choices, room);
        const State expected = resolve(few, room.finder(), rules, ed25519_verifier());
        ASSERT_LE(few.size(), 64u);
        for (const std::size_t count : {64u, 65u, 128u, 150u}) {
            std::vector<State> many;
            while (many.size() < count)
                many.push_back(few[many.size() % few.size()]);
            EXPECT_EQ(resolve(many, room.finder(), rules, ed25519_verifier()), expected)
                << "a state counts once, in version " << version << ", of " << count;
        }
    }
}

// The events of a redacted member are read again.
TEST(Resolver, ReadsARefreshedEventAnew) {
    const RoomRules& rules = *find_room_rules("11");
    EventStore store;
    const auto add = [&](const char* id,
                         const char* sender,
                         const char* type,
                         const char* state_key,
                         const json::Object& content,
                         std::vector<std::string> auth_events) {
        store.add(make_abstract_event({.id = id,
                                       .type = type,
                                       .state_key = state_key,
                                       .sender = sender,
                                       .content = content,
                                       .auth_events = std::move(auth_events),
                                       .prev_events = {"$before"}},
                                      rules));
    };
    const auto levels = [&](std::int64_t level) {
        add("$levels", "@a:x", "m.room.power_levels", "", {{"state_default", level}}, {"$create"});
    };
    store.add(make_abstract_event(
        {.id = "$create", .type = "m.room.create", .state_key = "", .sender = "@a:x"}, rules));
    add("$join", "@b:x", "m.room.member", "@b:x", {{"membership", "join"}}, {"$create"});
    add("$topic", "@b:x", "m.room.topic", "", {}, {"$create", "$levels", "$join"});
    levels(0);
    const State base = State()
                           .with({"m.room.create", ""}, EventId("$create"))
                           .with({"m.room.power_levels", ""}, EventId("$levels"))
                           .with({"m.room.member", "@b:x"}, EventId("$join"));
    const State with_topic = base.with({"m.room.topic", ""}, EventId("$topic"));
    const std::vector<State> states = {base, with_topic};

    Resolver resolver(rules, store.finder(), ed25519_verifier());
    EXPECT_EQ(resolver.resolve(states), with_topic);
    levels(50);
    resolver.refresh(EventId("$levels"));
    EXPECT_EQ(resolver.resolve(states), base);
    resolver.refresh(EventId("$nobody-knows-it"));
    EXPECT_EQ(resolver.resolve(states), base);
}

// Nobody cites the create event of v12, and yet it makes its sender stand above all others.
TEST(Resolver, OrdersByTheCreatorsPowerOnceTheCreateEventIsAccepted) {
    const RoomRules& rules = *find_room_rules("12");
    EventStore store;
    std::int64_t time = 10;
    const auto add = [&](const char* id,
                         const char* sender,
                         const char* type,
                         const char* state_key,
                         const json::Object& content,
                         std::vector<std::string> auth_events) {
        store.add(make_abstract_event({.id = id,
                                       .type = type,
                                       .state_key = state_key,
                                       .sender = sender,
                                       .content = content,
                                       .origin_server_ts = time--,
                                       .auth_events = std::move(auth_events),
                                       .prev_events = {"$before"}},
                                      rules));
    };
    const json::Object join = {{"membership", "join"}};
    const json::Object levels = {{"users", json::Object{{"@b:x", 50}}}};
    store.add(make_abstract_event(
        {.id = "$create:a", .type = "m.room.create", .state_key = "", .sender = "@a:x"}, rules));
    add("$join-a", "@a:x", "m.room.member", "@a:x", join, {});
    add("$levels", "@a:x", "m.room.power_levels", "", levels, {"$join-a"});
    add("$join-b", "@b:x", "m.room.member", "@b:x", join, {"$levels"});
    add("$rules-a", "@a:x", "m.room.join_rules", "", {}, {"$levels", "$join-a"});
    add("$rules-b", "@b:x", "m.room.join_rules", "", {}, {"$levels", "$join-b"});
    const State base = State()
                           .with({"m.room.create", ""}, EventId("$create:a"))
                           .with({"m.room.power_levels", ""}, EventId("$levels"))
                           .with({"m.room.member", "@a:x"}, EventId("$join-a"))
                           .with({"m.room.member", "@b:x"}, EventId("$join-b"));
    const std::vector<State> states = {base.with({"m.room.join_rules", ""}, EventId("$rules-a")),
                                       base.with({"m.room.join_rules", ""}, EventId("$rules-b"))};

    bool is_create_rejected = true;
    const FindEvent finder = [&](const EventId& id) {
        return auth::CitedEvent{store.find(id.text()),
                                is_create_rejected && id == EventId("$create:a")};
    };
    Resolver resolver(rules, finder, ed25519_verifier());
    EXPECT_EQ(resolver.resolve(states), base);
    is_create_rejected = false;
    resolver.refresh(EventId("$create:a"));
    EXPECT_EQ(resolver.resolve(states), states[1]) << "what has less power is applied later";
}

// A join that the resolver meets only while it looks for what leads to the join rules.
TEST(Resolver, MeetsTheUnconflictedStateWhileItSearches) {
    const RoomRules& rules = *find_room_rules("11");
    EventStore store;
    const auto add = [&](const char* id,
                         const char* sender,
                         const char* type,
                         const json::Object& content,
                         std::vector<std::string> auth_events) {
        const bool is_member = type == std::string("m.room.member");
        store.add(make_abstract_event({.id = id,
                                       .type = type,
                                       .state_key = is_member ? sender : "",
                                       .sender = sender,
                                       .content = content,
                                       .auth_events = std::move(auth_events),
                                       .prev_events = {"$before"}},
                                      rules));
    };
    const json::Object joined = {{"membership", "join"}};
    store.add(make_abstract_event(
        {.id = "$create", .type = "m.room.create", .state_key = "", .sender = "@a:x"}, rules));
    add("$a1", "@a:x", "m.room.member", joined, {"$create"});
    add("$rules", "@a:x", "m.room.join_rules", {{"join_rule", "public"}}, {"$create", "$a1"});
    add("$a2", "@a:x", "m.room.member", joined, {"$create", "$rules", "$a1"});
    add("$b1", "@b:x", "m.room.member", joined, {"$create", "$rules"});
    add("$b2", "@b:x", "m.room.member", joined, {"$create", "$rules"});
    const auto states_with = [](const char* b) {
        const State base = State()
                               .with({"m.room.create", ""}, EventId("$create"))
                               .with({"m.room.join_rules", ""}, EventId("$rules"))
                               .with({"m.room.member", "@b:x"}, EventId(b));
        return std::vector{base.with({"m.room.member", "@a:x"}, EventId("$a1")),
                           base.with({"m.room.member", "@a:x"}, EventId("$a2"))};
    };
    Resolver resolver(rules, store.finder(), ed25519_verifier());
    for (const char* b : {"$b1", "$b2"}) {
        ResolutionTrace trace;
        resolver.resolve(states_with(b), &trace);
        EXPECT_EQ(trace.full_conflicted_set, (std::vector{EventId("$a1"), EventId("$a2")})) << b;
    }
}

// Power levels that claim to be each other's parents, beside events that are in order: what does
// not depend on the cycle is resolved as ever. Hashes forbid it from room version 3 on, but not the
// ids of abstract rooms, which `refserver resolve` takes as given.
class ResolverBesideACycle : public ::testing::TestWithParam<const char*> {};

TEST_P(ResolverBesideACycle, ResolvesAsEver) {
    const RoomRules& rules = *find_room_rules(GetParam());
    const bool cites_create = rules.event_format != EventFormat::HashedRoomId;
    EventStore store;
    const auto add = [&](const char* id,
                         const char* type,
                         const json::Object& content,
                         std::vector<std::string> auth_events,
                         std::int64_t time = 0) {
        if (cites_create) auth_events.insert(auth_events.begin(), "$create:a");
        store.add(
            make_abstract_event({.id = id,
                                 .type = type,
                                 .state_key = type == std::string("m.room.member") ? "@a:x" : "",
                                 .sender = "@a:x",
                                 .content = content,
                                 .origin_server_ts = time,
                                 .auth_events = std::move(auth_events),
                                 .prev_events = {"$before"}},
                                rules));
    };
    store.add(make_abstract_event({.id = "$create:a",
                                   .type = "m.room.create",
                                   .state_key = "",
                                   .sender = "@a:x",
                                   .content = {{"creator", "@a:x"}}},
                                  rules));
    add("$join", "m.room.member", {{"membership", "join"}}, {});
    add("$one", "m.room.power_levels", {}, {"$two", "$join"});
    add("$two", "m.room.power_levels", {}, {"$one", "$join"});
    add("$rules", "m.room.join_rules", {{"join_rule", "public"}}, {"$join"});
    add("$topic1", "m.room.topic", {}, {"$join"}, 1);
    add("$topic2", "m.room.topic", {}, {"$join"}, 2);
    const State base = State()
                           .with({"m.room.create", ""}, EventId("$create:a"))
                           .with({"m.room.member", "@a:x"}, EventId("$join"));
    const State one = base.with({"m.room.power_levels", ""}, EventId("$one"))
                          .with({"m.room.topic", ""}, EventId("$topic1"));
    const State two = base.with({"m.room.power_levels", ""}, EventId("$two"))
                          .with({"m.room.join_rules", ""}, EventId("$rules"))
                          .with({"m.room.topic", ""}, EventId("$topic2"));
    const State expected = base.with({"m.room.join_rules", ""}, EventId("$rules"))
                               .with({"m.room.topic", ""}, EventId("$topic2"));
    Resolver resolver(rules, store.finder(), ed25519_verifier());
    for (int count = 0; count < 2; ++count) {
        EXPECT_EQ(resolver.resolve(std::vector{one, two}), expected);
        EXPECT_EQ(resolver.resolve(std::vector{two, one}), expected);
    }
}

INSTANTIATE_TEST_SUITE_P(Versions, ResolverBesideACycle, ::testing::Values("2", "12"));

// Does the check of an event write JSON, to verify the signature of a third-party invite?
bool verifies_signatures(const generators::Room& room, const ResolutionTrace& trace) {
    return std::ranges::any_of(trace.steps, [&](const ResolutionTrace::Step& step) {
        const auto* content = room.find(step.event_id).event->find_content<MemberContent>();
        return content && content->third_party_invite;
    });
}

// The second time, memory has grown with the table of events; from the third on it is enough.
TEST(Resolver, AllocatesNothingInTheSteadyState) {
    for (const RoomRules& rules : all_room_rules()) {
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            Choices choices = Choices::from_seed(seed);
            const generators::Room room = generators::make_room(choices, rules);
            const std::vector<State> states = generators::choose_states(choices, room);
            Resolver resolver(rules, room.finder(), ed25519_verifier());
            ResolutionTrace trace;
            resolver.resolve(states, &trace);
            if (verifies_signatures(room, trace)) continue;
            resolver.resolve(states);
            const std::uint64_t before = count_allocations();
            const State resolved = resolver.resolve(states);
            EXPECT_EQ(count_allocations() - before, 0u)
                << "version " << rules.version << ", seed " << seed;
        }
    }
}

}  // namespace
}  // namespace matrix::testing
