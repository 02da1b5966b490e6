// Laws of the authorization rules, over random rooms of every version.
//
// Which rule decides is compared with the oracle elsewhere (tests/oracle); these are laws that both
// could break together.

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/protocol/draw_room.h"
#include "tests/protocol/remade_events.h"

namespace matrix::testing {
namespace {

using generators::Choices;
using generators::Realism;
using generators::Room;
using generators::RoomEvent;

constexpr generators::RoomLimits kAnyRoom = {.realism = Realism::Abstract};

// The verdict, the rule of a refusal, or "allowed".
std::string judge(const JudgedBy& by, const Event& event) {
    const auth::Verdict verdict =
        auth::check_against(by.auth_state(event), event, ed25519_verifier());
    return verdict ? "allowed" : std::string(verdict.error().rule);
}

// P-A3: the order in which an event cites others says nothing.
RC_GTEST_PROP(AuthRuleLaws, DoNotDependOnTheOrderOfCitations, ()) {
    const RoomRules& rules = draw::any_rules();
    const Room room = draw::room(rules, kAnyRoom);
    const draw::Judged judged = draw::judged(room);
    Event reordered = *judged.event;
    std::ranges::reverse(reordered.auth_events);
    std::ranges::reverse(reordered.prev_events);
    const JudgedBy state(room, judged.state);
    RC_ASSERT(judge(state, *judged.event) == judge(state, reordered));

    const auto check_cited = [&](const Event& event) {
        std::vector<auth::CitedEvent> cited;
        std::set<std::pair<std::string, std::string>> keys;
        for (const EventId& id : event.auth_events) {
            cited.push_back(room.find(id));
            const Event& entry = *cited.back().event;
            if (!keys.emplace(entry.type, entry.state_key.value_or("")).second)
                return std::string();
        }
        const auto passed = auth::check_cited(event, cited, room.events().front().event.get());
        return passed ? std::string("passed") : std::string(passed.error().rule);
    };
    RC_ASSERT(check_cited(*judged.event) == check_cited(reordered));
}

// P-A4: what the rules do not name, they do not read.
RC_GTEST_PROP(AuthRuleLaws, DoNotReadWhatTheyDoNotName, ()) {
    const RoomRules& rules = draw::any_rules();
    const Room room = draw::room(rules, kAnyRoom);
    const draw::Judged judged = draw::judged(room);
    const Event extended = with_content(*judged.event, [](json::Object& content) {
        content.set("org.example.extra", json::Array{1, "two"});
        content.set("reason", "because");
    });
    const JudgedBy state(room, judged.state);
    RC_ASSERT(judge(state, *judged.event) == judge(state, extended));
}

// Of each level in some power levels, by its name.
std::map<std::string, std::int64_t> levels_of(const Event& event) {
    const auto& content = *event.find_content<PowerLevelsContent>();
    std::map<std::string, std::int64_t> levels;
    const auto add = [&](std::string_view map, const LevelMap& entries) {
        for (std::size_t index = 0; index < entries.size(); ++index) {
            const auto [key, level] = entries[index];
            levels[std::string(map) + '/' + std::string(key)] = level;
        }
    };
    add("users", content.users);
    add("events", content.events);
    if (event.rules->checks_notifications) add("notifications", content.notifications);
    const auto add_named = [&](std::string_view name, const NamedLevel& named) {
        if (named.level) levels[std::string(name)] = *named.level;
    };
    add_named("ban", content.ban);
    add_named("kick", content.kick);
    add_named("invite", content.invite);
    add_named("redact", content.redact);
    add_named("events_default", content.events_default);
    add_named("state_default", content.state_default);
    add_named("users_default", content.users_default);
    return levels;
}

// P-A5: nobody gives more power than they have, or takes any from who has as much.
RC_GTEST_PROP(AuthRuleLaws, LetNobodyGiveMorePowerThanTheyHave, ()) {
    const RoomRules& rules = draw::any_rules();
    const Room room = draw::room(rules, kAnyRoom);
    for (const RoomEvent& made : room.events()) {
        const Event& event = *made.event;
        if (event.type != "m.room.power_levels") continue;
        const JudgedBy state(room, made.before);
        const Event* before = state.find("m.room.power_levels", "");
        if (!before || judge(state, event) != "allowed") continue;

        const std::int64_t own = state.auth_state(event).level_of(event.sender);
        const auto old_levels = levels_of(*before);
        const auto new_levels = levels_of(event);
        for (const auto& [name, level] : new_levels) {
            const auto old = old_levels.find(name);
            RC_ASSERT(level <= own || (old != old_levels.end() && old->second == level));
        }
        for (const auto& [name, level] : old_levels) {
            const auto kept = new_levels.find(name);
            if (kept != new_levels.end() && kept->second == level) continue;
            const bool is_other_user =
                name.starts_with("users/") && name != "users/" + event.sender.text();
            RC_ASSERT((is_other_user ? level < own : level <= own));
        }
    }
}

// P-A6: who is banned stays out until somebody who may lifts the ban.
RC_GTEST_PROP(AuthRuleLaws, LetNobodyInWhoIsBanned, ()) {
    const RoomRules& rules = draw::any_rules();
    const Room room = draw::room(rules, kAnyRoom);
    for (const RoomEvent& made : room.events()) {
        const Event& event = *made.event;
        if (event.type != "m.room.member" || !event.state_key) continue;
        const JudgedBy state(room, made.before);
        const Event* before = state.find("m.room.member", *event.state_key);
        if (!before || before->membership() != Membership::Ban) continue;
        // The creator's first join is allowed whatever the state says.
        const bool is_first = event.prev_events.size() == 1 &&
                              event.prev_events.front() == room.events().front().event->id;
        if (is_first || judge(state, event) != "allowed") continue;

        const auth::AuthState levels = state.auth_state(event);
        const std::int64_t own = levels.level_of(event.sender);
        RC_ASSERT(event.membership() == Membership::Ban || event.membership() == Membership::Leave);
        RC_ASSERT(own >= levels.level_for(auth::Action::Ban));
        RC_ASSERT(own > levels.level_of(*event.state_key));
    }
}

// Puts in what the rules take for granted, so that every level that is read is written.
void write_defaults(json::Object& content, std::span<const std::string> users) {
    constexpr std::pair<std::string_view, int> kDefaults[] = {{"ban", 50},
                                                              {"kick", 50},
                                                              {"redact", 50},
                                                              {"invite", 0},
                                                              {"events_default", 0},
                                                              {"state_default", 50},
                                                              {"users_default", 0}};
    for (const auto& [name, level] : kDefaults) {
        if (!content.contains(name)) content.set(name, level);
    }
    const json::Value users_default = *content.find("users_default");
    json::Value& written = content["users"];
    if (!written.is_object()) written = json::Object();
    for (const std::string& user : users) {
        if (!written.if_object()->contains(user)) written.if_object()->set(user, users_default);
    }
}

// Every number in power levels.
void change_levels(json::Object& content, const std::function<std::int64_t(std::int64_t)>& change) {
    json::Object changed;
    for (const json::Member& member : content) {
        if (const std::int64_t* level = member.value.if_integer()) {
            changed.set(member.key, change(*level));
        } else if (const json::Object* map = member.value.if_object()) {
            json::Object entries = *map;
            change_levels(entries, change);
            changed.set(member.key, std::move(entries));
        } else {
            changed.set(member.key, member.value);
        }
    }
    content = std::move(changed);
}

// P-A7: levels are compared, and never read otherwise. A rule that compares with a 50 of its own
// breaks this.
RC_GTEST_PROP(AuthRuleLaws, ReadNothingFromLevelsButTheirOrder, ()) {
    const RoomRules& rules = draw::any_rules();
    generators::RoomLimits limits = kAnyRoom;
    limits.has_odd_levels = false;
    const Room room = draw::room(rules, limits);
    const draw::Judged judged = draw::judged(room);
    const bool has_levels = judged.state.find("m.room.power_levels", "") != nullptr;
    RC_PRE(has_levels);

    std::vector<std::string> users;
    for (const RoomEvent& made : room.events()) {
        const auto* create = room.events().front().event->find_content<CreateContent>();
        const bool is_creator =
            rules.has_privileged_creators &&
            (made.event->sender == room.events().front().event->sender ||
             std::ranges::find(create->additional_creators, made.event->sender) !=
                 create->additional_creators.end());
        if (!is_creator) users.push_back(made.event->sender.text());
    }
    const auto remade = [&](const std::function<std::int64_t(std::int64_t)>& change) {
        return [&users, change](const Event& event) {
            if (event.type != "m.room.power_levels") return event;
            return with_content(event, [&](json::Object& content) {
                write_defaults(content, users);
                change_levels(content, change);
            });
        };
    };
    const auto same = remade([](std::int64_t level) { return level; });
    const auto scaled = remade([](std::int64_t level) { return level * 3 + 7; });
    RC_ASSERT(judge(JudgedBy(room, judged.state, same), same(*judged.event)) ==
              judge(JudgedBy(room, judged.state, scaled), scaled(*judged.event)));
}

// P-A8: names of users are compared, and never read otherwise.
RC_GTEST_PROP(AuthRuleLaws, ReadNothingFromNamesOfUsers, ()) {
    const RoomRules& rules = draw::any_rules();
    const Room room = draw::room(rules, kAnyRoom);
    const draw::Judged judged = draw::judged(room);
    // What a third party signed names the user.
    RC_PRE(!judged.event->parse_content().contains("third_party_invite"));
    const auto rename = [](const Event& event) { return with_other_user_names(event); };
    State renamed;
    judged.state.for_each([&](const StateKey& key, const EventId& id) {
        renamed = renamed.with({key.type, other_user_name(key.state_key)}, id);
    });
    RC_ASSERT(judge(JudgedBy(room, judged.state), *judged.event) ==
              judge(JudgedBy(room, renamed, rename), rename(*judged.event)));
}

// P-A9: a level that is absent is read as its default.
RC_GTEST_PROP(AuthRuleLaws, ReadAbsentLevelsAsTheirDefaults, ()) {
    const RoomRules& rules = draw::any_rules();
    const Room room = draw::room(rules, kAnyRoom);
    const draw::Judged judged = draw::judged(room);
    RC_PRE(judged.event->type != "m.room.power_levels");
    const auto explicitly = [](const Event& event) {
        if (event.type != "m.room.power_levels") return event;
        return with_content(event, [](json::Object& content) { write_defaults(content, {}); });
    };
    RC_ASSERT(judge(JudgedBy(room, judged.state), *judged.event) ==
              judge(JudgedBy(room, judged.state, explicitly), *judged.event));
}

// P-A11: more power never takes a permission away, but for power levels events, which may not
// change their sender's entry upwards.
RC_GTEST_PROP(AuthRuleLaws, AllowMoreToWhoHasMorePower, ()) {
    const RoomRules& rules = draw::any_rules();
    const Room room = draw::room(rules, kAnyRoom);
    const draw::Judged judged = draw::judged(room);
    const Event& event = *judged.event;
    RC_PRE(event.type != "m.room.power_levels");
    RC_PRE(judge(JudgedBy(room, judged.state), event) == "allowed");
    const auto raised = [&](const Event& entry) {
        if (entry.type != "m.room.power_levels") return entry;
        return with_content(entry, [&](json::Object& content) {
            json::Value& users = content["users"];
            if (!users.is_object()) users = json::Object();
            users.if_object()->set(event.sender.view(), 1'000'000);
        });
    };
    RC_ASSERT(judge(JudgedBy(room, judged.state, raised), event) == "allowed");
}

// P-A12: neither memberships nor join rules are ordered. Who is invited may join, who joined may
// not be invited; `knock` admits knocks, `public` does not.
TEST(AuthRuleLaws, AreNotMonotoneInMembershipsAndJoinRules) {
    for (const RoomRules& rules : all_room_rules()) {
        if (!rules.has_knock) continue;
        Choices choices = Choices::from_numbers({});
        const Room room = generators::make_room(choices, rules, generators::kHonestRoom);
        const State& state = room.events().back().after;
        const UserId creator = room.events().front().event->sender;
        const UserId stranger("@stranger:b.test");
        const auto make = [&](const UserId& sender, const StateKey& key, json::Object content) {
            Event event = *room.events().back().event;
            event.id = EventId("$made" + key.type + key.state_key);
            event.sender = sender;
            event.type = key.type;
            event.state_key = key.state_key;
            return with_content(event, [&](json::Object& old) { old = std::move(content); });
        };
        const StateKey member = {"m.room.member", stranger.text()};
        const StateKey rule = {"m.room.join_rules", ""};
        const Event knock = make(stranger, member, {{"membership", "knock"}});
        const Event invite = make(creator, member, {{"membership", "invite"}});
        const Event join = make(stranger, member, {{"membership", "join"}});
        const auto verdict = [&](const Event& event, std::vector<Event> changes) {
            return judge(JudgedBy(room, state).with(std::move(changes)), event);
        };
        const Event is_public = make(creator, rule, {{"join_rule", "public"}});
        const Event is_knock = make(creator, rule, {{"join_rule", "knock"}});
        EXPECT_EQ(verdict(knock, {is_knock}), "allowed");
        EXPECT_NE(verdict(knock, {is_public}), "allowed");
        EXPECT_EQ(verdict(join, {is_public}), "allowed");
        EXPECT_NE(verdict(join, {is_knock}), "allowed");
        EXPECT_EQ(verdict(join, {is_knock, invite}), "allowed");
        EXPECT_EQ(verdict(invite, {}), "allowed");
        EXPECT_NE(verdict(invite, {join}), "allowed");
    }
}

// P-A15: what was accepted is allowed by what it cites and by the state before it.
RC_GTEST_PROP(AuthRuleLaws, AllowAcceptedEventsByTheirOwnCitations, ()) {
    const RoomRules& rules = draw::any_rules();
    const Room room = draw::room(rules, generators::kHonestRoom);
    const Event& create = *room.events().front().event;
    for (const RoomEvent& made : room.events()) {
        if (made.event->type == "m.room.create" || made.is_rejected) continue;
        std::vector<auth::CitedEvent> cited;
        for (const EventId& id : made.event->auth_events)
            cited.push_back(room.find(id));
        const auth::AuthState by_citations = auth::state_of_cited(*made.event, cited, &create);
        RC_ASSERT(auth::check_cited(*made.event, cited, &create).has_value());
        RC_ASSERT(auth::check_against(by_citations, *made.event, ed25519_verifier()).has_value());
        RC_ASSERT(judge(JudgedBy(room, made.before), *made.event) == "allowed");
    }
}

// P-A2: each part that the selection names can decide, both ways.
TEST(AuthRuleLaws, AreDecidedByEveryPartOfTheState) {
    // A verdict that changes with one role alone changes back with it: one witness shows both ways.
    std::set<auth::Role> decided;
    constexpr std::uint64_t kRooms = 150;
    for (std::uint64_t seed = 0; seed < kRooms; ++seed) {
        const RoomRules& rules = all_room_rules()[seed % all_room_rules().size()];
        Choices choices = Choices::from_seed(seed);
        const Room room = generators::make_room(choices, rules, kAnyRoom);
        for (const RoomEvent& made : room.events()) {
            const JudgedBy state(room, made.before);
            const bool is_allowed = judge(state, *made.event) == "allowed";
            for (const auto& [role, type, state_key] : auth::required_state(*made.event)) {
                const std::size_t other = choices.below(room.events().size());
                const JudgedBy changed(room, room.events()[other].after);
                auth::AuthState mixed = state.auth_state(*made.event);
                mixed.set(role, changed.find(type, state_key));
                const bool is_still_allowed =
                    auth::check_against(mixed, *made.event, ed25519_verifier()).has_value();
                if (is_allowed != is_still_allowed) decided.insert(role);
            }
        }
    }
    for (const auth::Role role : {auth::Role::PowerLevels,
                                  auth::Role::JoinRules,
                                  auth::Role::Sender,
                                  auth::Role::Target,
                                  auth::Role::Authorizer,
                                  auth::Role::Token}) {
        EXPECT_TRUE(decided.contains(role)) << role;
    }
}

}  // namespace
}  // namespace matrix::testing
