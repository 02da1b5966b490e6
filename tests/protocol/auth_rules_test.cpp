// The authorization rules that are about all events, and those of single types; memberships and
// power levels have files of their own.

#include "refserver/protocol/auth_rules.h"

#include <algorithm>
#include <functional>
#include <set>

#include <gtest/gtest.h>

#include "tests/protocol/abstract_room.h"

namespace matrix::testing {
namespace {

// The rule that refuses, or "allowed".
template <class Verdict>
std::string rule_of(const Verdict& verdict) {
    return verdict ? "allowed" : std::string(verdict.error().rule);
}

TEST(Failures, NameWhatTheyAreAboutWithoutAllocation) {
    const auto describe = [](std::string_view about) {
        return auth::describe(auth::Failure{"v12 6", "x", auth::Excerpt(about)});
    };
    EXPECT_EQ(describe(""), "x");
    EXPECT_EQ(describe("@a:b"), "x: @a:b");
    EXPECT_EQ(describe(std::string(79, 'a')), "x: " + std::string(79, 'a'));
    EXPECT_EQ(describe(std::string(80, 'a')), "x: " + std::string(76, 'a') + "\u2026");
    EXPECT_EQ(describe(std::string(80, '\x80')), "x: \u2026");
    // Never half a character.
    EXPECT_EQ(describe(std::string(75, 'a') + "\u00fc" + std::string(9, 'a')),
              "x: " + std::string(75, 'a') + "\u2026");
}

TEST(Levels, OfUsersAreThoseWrittenOrTheDefaults) {
    for (const RoomRules& rules : all_room_rules()) {
        RuleRoom room(rules);
        const auto level_of = [&](const char* user) {
            return room.state_for(room.make(kUser, "x", "", {})).level_of(std::string_view(user));
        };
        room.set_power_levels(
            {{"users_default", 7}, {"users", json::Object{{"@a:a", 1}, {"@b:a", 2}, {"@c:a", 3}}}});
        EXPECT_EQ(level_of("@a:a"), 1);
        EXPECT_EQ(level_of("@b:a"), 2);
        EXPECT_EQ(level_of("@c:a"), 3);
        for (const char* other : {"@0:a", "@aa:a", "@b:", "@d:a", ""})
            EXPECT_EQ(level_of(other), 7) << other;
        room.clear("m.room.power_levels");
        EXPECT_EQ(level_of(kCreator), rules.has_privileged_creators ? auth::kCreatorLevel : 100);
        EXPECT_EQ(level_of(kUser), 0);
        room.clear("m.room.create");
        EXPECT_EQ(level_of(kCreator), 0);
    }
}

TEST(Levels, OfActionsAreThoseWrittenOrTheDefaults) {
    for (const RoomRules& rules : all_room_rules()) {
        RuleRoom room(rules);
        const auto levels = [&] {
            const auth::AuthState state = room.state_for(room.make(kUser, "x", "", {}));
            return std::vector{state.level_for(auth::Action::Ban),
                               state.level_for(auth::Action::Invite),
                               state.level_for(auth::Action::Kick),
                               state.level_for(auth::Action::Redact)};
        };
        EXPECT_EQ(levels(), (std::vector<std::int64_t>{50, 0, 50, 50}));
        room.set_power_levels({{"ban", 1}, {"invite", 2}, {"kick", 3}, {"redact", 4}});
        EXPECT_EQ(levels(), (std::vector<std::int64_t>{1, 2, 3, 4}));
        room.clear("m.room.power_levels");
        EXPECT_EQ(levels(), (std::vector<std::int64_t>{50, 0, 50, 50}));
    }
}

// Rule 1.

Event make_create(const RoomRules& rules, json::Object content) {
    return *make_abstract_event({.id = "$create:a",
                                 .type = "m.room.create",
                                 .state_key = "",
                                 .sender = kCreator,
                                 .content = std::move(content)},
                                rules);
}

TEST(CreateRules, AllowTheFirstEvent) {
    for (const RoomRules& rules : all_room_rules()) {
        const Event create =
            make_create(rules, {{"creator", kCreator}, {"room_version", rules.version}});
        EXPECT_EQ(rule_of(auth::check_cited(create, {}, nullptr)), "allowed") << rules.version;
        EXPECT_EQ(rule_of(auth::check_against({}, create, ed25519_verifier())), "allowed");
    }
}

TEST(CreateRules, RefuseASecondStart) {
    for (const RoomRules& rules : all_room_rules()) {
        Event create = make_create(rules, {{"creator", kCreator}});
        create.prev_events = {EventId("$other:a")};
        EXPECT_EQ(rule_of(auth::check_cited(create, {}, nullptr)), "v12 1.1") << rules.version;
    }
}

TEST(CreateRules, RefuseTheRoomIdOfAnotherServer) {
    for (const RoomRules& rules : all_room_rules()) {
        if (rules.event_format == EventFormat::HashedRoomId) continue;
        Event create = make_create(rules, {{"creator", kCreator}});
        create.room_id = RoomId("!room:b");
        EXPECT_EQ(rule_of(auth::check_cited(create, {}, nullptr)), "v11 1.2") << rules.version;
        create.room_id = RoomId("!room");
        EXPECT_EQ(rule_of(auth::check_cited(create, {}, nullptr)), "v11 1.2") << rules.version;
    }
}

TEST(CreateRules, RefuseAWrittenRoomIdInVersion12) {
    Event create = make_create(*find_room_rules("12"), {});
    create.text = R"({"content":{},"room_id":"!create:a"})";
    EXPECT_EQ(rule_of(auth::check_cited(create, {}, nullptr)), "v12 1.2");
}

TEST(CreateRules, RefuseUnknownRoomVersions) {
    for (const RoomRules& rules : all_room_rules()) {
        for (const json::Value& version : {json::Value("0"), json::Value(12), json::Value()}) {
            const Event create =
                make_create(rules, {{"creator", kCreator}, {"room_version", version}});
            EXPECT_EQ(rule_of(auth::check_cited(create, {}, nullptr)), "v12 1.3") << version;
        }
    }
}

TEST(CreateRules, NeedACreatorUpToVersion10) {
    for (const RoomRules& rules : all_room_rules()) {
        EXPECT_EQ(rule_of(auth::check_cited(make_create(rules, {}), {}, nullptr)),
                  rules.has_creator_in_content ? "v10 1.4" : "allowed")
            << rules.version;
    }
}

TEST(CreateRules, NeedUserIdsAsAdditionalCreatorsInVersion12) {
    const auto check = [](const json::Value& additional, std::string_view expected) {
        for (const RoomRules& rules : all_room_rules()) {
            const Event create =
                make_create(rules, {{"creator", kCreator}, {"additional_creators", additional}});
            EXPECT_EQ(rule_of(auth::check_cited(create, {}, nullptr)),
                      rules.has_privileged_creators ? expected : "allowed")
                << rules.version << ' ' << additional;
        }
    };
    check(json::Array{}, "allowed");
    check(json::Array{kMod, kUser}, "allowed");
    check(json::Array{kMod, kMod, kCreator}, "allowed");
    check(nullptr, "v12 1.4");
    check(kMod, "v12 1.4");
    check(json::Object{{kMod, 1}}, "v12 1.4");
    check(json::Array{kMod, 1}, "v12 1.4");
    check(json::Array{"mod"}, "v12 1.4");
    check(json::Array{"@mod"}, "v12 1.4");
    check(json::Array{"#mod:a"}, "v12 1.4");
}

// Rules 2 and 3.

class CitedRules : public ::testing::Test {
protected:
    // Tries a message of `user` that cites what `change` made of the events it should cite.
    void check(const std::function<void(Event&, std::vector<auth::CitedEvent>&)>& change,
               const std::function<std::string(const RoomRules&)>& expected) {
        for (const RoomRules& rules : all_room_rules()) {
            const RuleRoom room(rules);
            Event event = room.make(kUser, "m.room.message", std::nullopt, {});
            std::vector<auth::CitedEvent> cited;
            for (const auto& [role, type, state_key] : auth::required_state(event)) {
                cited.push_back({room.find(type, state_key)});
            }
            change(event, cited);
            event.auth_events.assign(cited.size(), EventId("$cited:a"));
            EXPECT_EQ(rule_of(auth::check_cited(event, cited, room.create())), expected(rules))
                << rules.version;
        }
    }
    void check(const std::function<void(Event&, std::vector<auth::CitedEvent>&)>& change,
               const std::string& expected) {
        check(change, [&](const RoomRules&) { return expected; });
    }
};

TEST_F(CitedRules, AllowWhatWasSelected) {
    check([](Event&, auto&) {}, "allowed");
}

TEST_F(CitedRules, AllowAnyOrder) {
    check([](Event&, auto& cited) { std::ranges::reverse(cited); }, "allowed");
}

TEST_F(CitedRules, AllowThatSelectedStateIsNotCited) {
    check([](Event&, auto& cited) { cited.resize(1); }, "allowed");
}

TEST_F(CitedRules, RefuseTwoEventsUnderOneKey) {
    check([](Event&, auto& cited) { cited.push_back(cited.back()); }, "v12 3.1");
}

TEST_F(CitedRules, RefuseWhatWasNotSelected) {
    check(
        [](Event& event, auto& cited) {
            Event topic = *cited.back().event;
            topic.type = "m.room.topic";
            topic.rules = event.rules;
            cited.push_back({std::make_shared<const Event>(topic)});
        },
        "v12 3.2");
}

TEST_F(CitedRules, RefuseTheMembershipOfSomebodyElse) {
    check(
        [](Event&, auto& cited) {
            Event other = *cited.front().event;
            other.type = "m.room.member";
            other.state_key = kMod;
            cited.push_back({std::make_shared<const Event>(other)});
        },
        "v12 3.2");
}

TEST_F(CitedRules, RefuseWhatIsNotState) {
    check(
        [](Event&, auto& cited) {
            Event message = *cited.back().event;
            message.state_key.reset();
            cited.push_back({std::make_shared<const Event>(message)});
        },
        "v12 3.2");
}

TEST_F(CitedRules, RefuseRejectedEvents) {
    check([](Event&, auto& cited) { cited.back().is_rejected = true; }, "v12 3.3");
}

TEST_F(CitedRules, FindTwoEventsUnderOneKeyBehindOneThatCannotBeHad) {
    check(
        [](Event&, auto& cited) {
            cited.front().event = nullptr;
            cited.push_back(cited.back());
        },
        "v12 3.1");
}

TEST_F(CitedRules, MakeNoStateOfEventsThatCannotBeHad) {
    const RuleRoom room(*find_room_rules("11"));
    const Event event = room.make(kUser, "m.room.message", std::nullopt, {});
    const std::vector<auth::CitedEvent> cited = {{nullptr}, {room.find("m.room.create", "")}};
    const auth::AuthState state = auth::state_of_cited(event, cited, nullptr);
    EXPECT_EQ(state[auth::Role::Create], room.create());
    EXPECT_EQ(state[auth::Role::Sender], nullptr);
}

TEST_F(CitedRules, RefuseEventsThatCannotBeHad) {
    check([](Event&, auto& cited) { cited.back().event = nullptr; }, "v12 3.3");
}

TEST_F(CitedRules, NeedTheCreateEventUpToVersion11) {
    check(
        [](Event&, auto& cited) {
            std::erase_if(cited,
                          [](const auto& entry) { return entry.event->type == "m.room.create"; });
        },
        [](const RoomRules& rules) {
            return rules.event_format == EventFormat::HashedRoomId ? "allowed" : "v11 2.4";
        });
}

TEST_F(CitedRules, RefuseTheCreateEventInVersion12) {
    for (const RoomRules& rules : all_room_rules()) {
        const RuleRoom room(rules);
        Event event = room.make(kUser, "m.room.message", std::nullopt, {});
        const std::vector<auth::CitedEvent> cited = {{room.find("m.room.create", "")}};
        event.auth_events = {EventId("$create:a")};
        EXPECT_EQ(rule_of(auth::check_cited(event, cited, room.create())),
                  rules.event_format == EventFormat::HashedRoomId ? "v12 3.2" : "allowed");
    }
}

TEST_F(CitedRules, RefuseEventsOfOtherRooms) {
    check(
        [](Event&, auto& cited) {
            Event other = *cited.back().event;
            other.room_id = RoomId("!other:a");
            cited.back().event = std::make_shared<const Event>(other);
        },
        "v12 3.4");
}

TEST_F(CitedRules, NeedTheRoomsOwnCreateEventInVersion12) {
    const RoomRules& rules = *find_room_rules("12");
    const RuleRoom room(rules);
    Event event = room.make(kUser, "m.room.message", std::nullopt, {});
    EXPECT_EQ(rule_of(auth::check_cited(event, {}, nullptr)), "v12 2");
    event.room_id = RoomId("!other");
    EXPECT_EQ(rule_of(auth::check_cited(event, {}, room.create())), "v12 2");
    EXPECT_EQ(rule_of(auth::check_against(room.state_for(event), event, ed25519_verifier())),
              "v12 2");
    event = room.make(kUser, "m.room.message", std::nullopt, {});
    EXPECT_EQ(rule_of(auth::check_cited(event, {}, &event)), "v12 2");
    auth::AuthState state = room.state_for(event);
    state.set(auth::Role::Create, room.find("m.room.join_rules", "").get());
    EXPECT_EQ(rule_of(auth::check_against(state, event, ed25519_verifier())), "v12 2");
    EXPECT_EQ(state.level_of(UserId(kCreator)), 0);
}

// Rules 4 to 9 and 11.

struct EventRow {
    std::string_view sentence;
    std::function<Event(RuleRoom&)> event;
    std::string expected;
};

void check_rows(const std::vector<EventRow>& rows) {
    for (const RoomRules& rules : all_room_rules()) {
        for (const EventRow& row : rows) {
            RuleRoom room(rules);
            const Event event = row.event(room);
            EXPECT_EQ(room.check(event), row.expected)
                << "room version " << rules.version << ": " << row.sentence;
        }
    }
}

void set_federate(RuleRoom& room, const json::Value& federate) {
    room.set_create({{"creator", kCreator}, {"m.federate", federate}});
}

TEST(EventRules, KeepOtherServersOutOfRoomsThatAreNotFederated) {
    const auto message = [](std::string_view sender, const json::Value& federate) {
        return [=](RuleRoom& room) {
            set_federate(room, federate);
            return room.make(sender, "m.room.message", std::nullopt, {});
        };
    };
    check_rows({
        {"users of the creator's server speak", message(kMod, false), "allowed"},
        {"users of other servers do not", message(kUser, false), "v12 4"},
        {"they do in federated rooms", message(kUser, true), "allowed"},
        {"only `false` closes a room", message(kUser, "false"), "allowed"},
        {"and `null` does not", message(kUser, nullptr), "allowed"},
        {"strangers of other servers do not join",
         [](RuleRoom& room) {
             set_federate(room, false);
             room.set_join_rule("public");
             return room.member(kStranger, kStranger, "join");
         },
         "v12 4"},
        {"the rule looks at the sender, not at whom they invite",
         [](RuleRoom& room) {
             set_federate(room, false);
             return room.member(kMod, kStranger, "invite");
         },
         "allowed"},
    });
}

TEST(EventRules, NeedACreateEvent) {
    for (const RoomRules& rules : all_room_rules()) {
        RuleRoom room(rules);
        room.clear("m.room.create");
        EXPECT_EQ(room.check(room.make(kUser, "m.room.message", std::nullopt, {})),
                  rules.event_format == EventFormat::HashedRoomId ? "v12 2" : "v11 2.4");
    }
}

TEST(EventRules, TreatAliasesApartUpToVersion5) {
    for (const RoomRules& rules : all_room_rules()) {
        const RuleRoom room(rules);
        const auto check =
            [&](std::optional<std::string> key, const char* early, const char* late) {
                EXPECT_EQ(room.check(room.make(kStranger, "m.room.aliases", std::move(key), {})),
                          rules.has_aliases_auth_rule ? early : late)
                    << rules.version;
            };
        check(std::nullopt, "v5 4.1", "v12 6");
        check("a", "v5 4.2", "v12 6");
        check("b", "allowed", "v12 6");
    }
}

TEST(EventRules, LetMembersSpeak) {
    const auto message = [](std::string_view sender) {
        return
            [=](RuleRoom& room) { return room.make(sender, "m.room.message", std::nullopt, {}); };
    };
    check_rows({
        {"members speak", message(kUser), "allowed"},
        {"strangers do not", message(kStranger), "v12 6"},
        {"the invited do not",
         [&](RuleRoom& room) {
             room.set_member(kStranger, "invite");
             return message(kStranger)(room);
         },
         "v12 6"},
        {"the banned do not",
         [&](RuleRoom& room) {
             room.set_member(kUser, "ban");
             return message(kUser)(room);
         },
         "v12 6"},
        {"not below events_default",
         [&](RuleRoom& room) {
             room.set_power_levels({{"events_default", 1}});
             return message(kUser)(room);
         },
         "v12 8"},
        {"not below the type's own level",
         [&](RuleRoom& room) {
             room.set_power_levels({{"events", json::Object{{"m.room.message", 51}}}});
             return message(kMod)(room);
         },
         "v12 8"},
        {"the type's own level may be below the default",
         [&](RuleRoom& room) {
             room.set_power_levels(
                 {{"events_default", 1}, {"events", json::Object{{"m.room.message", -1}}}});
             return message(kUser)(room);
         },
         "allowed"},
        {"everybody has users_default",
         [&](RuleRoom& room) {
             room.set_power_levels({{"events_default", 1}, {"users_default", 1}});
             return message(kUser)(room);
         },
         "allowed"},
        {"also without any power levels",
         [&](RuleRoom& room) {
             room.clear("m.room.power_levels");
             return message(kUser)(room);
         },
         "allowed"},
    });
}

TEST(EventRules, LetTheMightyChangeTheState) {
    const auto topic = [](std::string_view sender) {
        return [=](RuleRoom& room) { return room.make(sender, "m.room.topic", "", {}); };
    };
    const auto topic_without_levels = [&](std::string_view sender) {
        return [=](RuleRoom& room) {
            room.clear("m.room.power_levels");
            return topic(sender)(room);
        };
    };
    check_rows({
        {"state needs 50", topic(kMod), "allowed"},
        {"less is not enough", topic(kUser), "v12 8"},
        {"state_default may be lower",
         [&](RuleRoom& room) {
             room.set_power_levels({{"state_default", 0}});
             return topic(kUser)(room);
         },
         "allowed"},
        {"without power levels the creator has enough", topic_without_levels(kCreator), "allowed"},
        {"and nobody else", topic_without_levels(kMod), "v12 8"},
        {"nobody writes under another user's name",
         [](RuleRoom& room) { return room.make(kCreator, "org.status", kMod, {}); },
         "v12 9"},
        {"only under one's own",
         [](RuleRoom& room) { return room.make(kMod, "org.status", kMod, {}); },
         "allowed"},
        {"a message needs no state key",
         [](RuleRoom& room) { return room.make(kUser, "org.status", std::nullopt, {}); },
         "allowed"},
    });
}

TEST(EventRules, LetThoseWhoMayInviteMakeTokens) {
    const auto token = [](std::string_view sender, std::int64_t invite_level) {
        return [=](RuleRoom& room) {
            room.set_power_levels({{"invite", invite_level}});
            return room.make(sender, "m.room.third_party_invite", "@abc", {});
        };
    };
    check_rows({
        {"the invite level is enough, below that of state events", token(kUser, 0), "allowed"},
        {"and needed", token(kUser, 1), "v12 7.1"},
        {"of the mighty too", token(kMod, 51), "v12 7.1"},
        {"strangers make none", token(kStranger, 0), "v12 6"},
    });
}

TEST(EventRules, JudgeRedactionsInVersions1And2) {
    const auto check = [](const RoomRules& rules,
                          std::string_view sender,
                          std::optional<EventId> redacts,
                          std::string_view early) {
        const RuleRoom room(rules);
        Event event = room.make(sender, "m.room.redaction", std::nullopt, {});
        event.redacts = std::move(redacts);
        EXPECT_EQ(room.check(event), rules.has_redaction_auth_rule ? early : "allowed")
            << rules.version;
    };
    for (const RoomRules& rules : all_room_rules()) {
        check(rules, kMod, EventId("$x:other"), "allowed");
        check(rules, kUser, EventId("$x:b"), "allowed");
        check(rules, kUser, EventId("$x:a"), "v2 11.3");
        check(rules, kUser, std::nullopt, "v2 11.3");
    }
}

TEST(EventRules, LookForTheServerInTheIdOfARedaction) {
    const RuleRoom room(*find_room_rules("1"));
    Event event = room.make(kUser, "m.room.redaction", std::nullopt, {});
    event.redacts = EventId("$x");
    event.id = EventId("$event");
    EXPECT_EQ(room.check(event), "v2 11.3");
}

TEST(EventRules, ApplyRedactionsOfModeratorsAndOfTheSameServer) {
    for (const RoomRules& rules : all_room_rules()) {
        RuleRoom room(rules);
        const auto may = [&](std::string_view sender, std::string_view target) {
            const Event redaction = room.make(sender, "m.room.redaction", std::nullopt, {});
            return auth::may_redact(room.state_for(redaction),
                                    redaction,
                                    room.make(target, "m.room.message", std::nullopt, {}));
        };
        EXPECT_TRUE(may(kMod, kUser));
        EXPECT_TRUE(may(kUser, kStranger));
        EXPECT_FALSE(may(kUser, kMod));
        room.set_power_levels({{"redact", 51}});
        EXPECT_FALSE(may(kMod, kUser));
    }
}

// Auth events selection.

using Keys = std::vector<StateKey>;

// Each once, in order.
Keys keys_of(const Event& event) {
    std::set<StateKey> keys;
    for (const auto& [role, type, state_key] : auth::required_state(event)) {
        keys.insert({std::string(type), std::string(state_key)});
    }
    return Keys(keys.begin(), keys.end());
}

void check_selection(const std::function<Event(const RuleRoom&)>& make, Keys expected) {
    for (const RoomRules& rules : all_room_rules()) {
        Keys with_create = expected;
        if (rules.event_format != EventFormat::HashedRoomId) {
            with_create.push_back({"m.room.create", ""});
        }
        std::ranges::sort(with_create);
        EXPECT_EQ(keys_of(make(RuleRoom(rules))), with_create) << rules.version;
    }
}

TEST(AuthEventsSelection, TakesPowerLevelsAndTheSender) {
    check_selection(
        [](const RuleRoom& room) { return room.make(kUser, "m.room.message", std::nullopt, {}); },
        {{"m.room.power_levels", ""}, {"m.room.member", kUser}});
}

TEST(AuthEventsSelection, TakesNothingForTheCreateEvent) {
    for (const RoomRules& rules : all_room_rules()) {
        EXPECT_EQ(keys_of(make_create(rules, {})), Keys{});
    }
}

TEST(AuthEventsSelection, TakesTheJoinRulesForThoseWhoComeIn) {
    for (const char* membership : {"join", "invite", "knock"}) {
        check_selection([&](const RuleRoom& room) { return room.member(kMod, kUser, membership); },
                        {{"m.room.power_levels", ""},
                         {"m.room.join_rules", ""},
                         {"m.room.member", kMod},
                         {"m.room.member", kUser}});
    }
    for (const char* membership : {"leave", "ban", "dance"}) {
        check_selection(
            [&](const RuleRoom& room) { return room.member(kMod, kUser, membership); },
            {{"m.room.power_levels", ""}, {"m.room.member", kMod}, {"m.room.member", kUser}});
    }
}

TEST(AuthEventsSelection, TakesTheTokenOfAThirdPartyInvite) {
    const json::Object content = {
        {"third_party_invite", json::Object{{"signed", json::Object{{"token", "abc"}}}}}};
    check_selection(
        [&](const RuleRoom& room) { return room.member(kMod, kUser, "invite", content); },
        {{"m.room.power_levels", ""},
         {"m.room.join_rules", ""},
         {"m.room.member", kMod},
         {"m.room.member", kUser},
         {"m.room.third_party_invite", "abc"}});
    check_selection(
        [&](const RuleRoom& room) { return room.member(kMod, kUser, "leave", content); },
        {{"m.room.power_levels", ""}, {"m.room.member", kMod}, {"m.room.member", kUser}});
}

TEST(AuthEventsSelection, TakesTheAuthorizingUserOfAJoinWhereJoinsCanBeRestricted) {
    for (const RoomRules& rules : all_room_rules()) {
        const auto selects_authorizer = [&](std::string_view membership, const json::Value& user) {
            const Event event = RuleRoom(rules).member(
                kUser, kUser, membership, {{"join_authorised_via_users_server", user}});
            return std::ranges::count(keys_of(event), StateKey{"m.room.member", kMod});
        };
        EXPECT_EQ(selects_authorizer("join", kMod), rules.has_restricted);
        EXPECT_FALSE(selects_authorizer("leave", kMod));
        EXPECT_FALSE(selects_authorizer("join", 1));
    }
}

TEST(AuthEventsSelection, IsTheSameForAnEventInTheMaking) {
    for (const RoomRules& rules : all_room_rules()) {
        const Event event = RuleRoom(rules).member(kMod, kUser, "invite");
        const EventTemplate making = {.sender = UserId(kMod),
                                      .type = "m.room.member",
                                      .state_key = kUser,
                                      .content = {{"membership", "invite"}}};
        EXPECT_EQ(auth::required_state(making, rules), keys_of(event));
    }
}

TEST(AuthEventsSelection, TakesWhatCanBeToldOfAMalformedMembership) {
    check_selection(
        [](const RuleRoom& room) { return room.make(kUser, "m.room.member", std::nullopt, {}); },
        {{"m.room.power_levels", ""}, {"m.room.member", kUser}});
}

TEST(AuthEventsSelection, NamesAKeyOnceForEachOfItsRoles) {
    const RuleRoom room(*find_room_rules("12"));
    std::vector<auth::Role> roles;
    const Event join =
        room.member(kUser, kUser, "join", {{"join_authorised_via_users_server", kUser}});
    for (const auto& [role, type, state_key] : auth::required_state(join)) {
        if (state_key == kUser) roles.push_back(role);
    }
    EXPECT_EQ(roles, (std::vector{auth::Role::Sender, auth::Role::Target, auth::Role::Authorizer}));
}

}  // namespace
}  // namespace matrix::testing
