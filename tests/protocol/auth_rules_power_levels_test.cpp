// Rule 10 of the authorization rules: m.room.power_levels.

#include <gtest/gtest.h>

#include "tests/protocol/abstract_room.h"

namespace matrix::testing {
namespace {

// The rule that refuses when the moderator (level 50) changes `before` to `after`, beside `users`.
std::string change(const RoomRules& rules, const json::Object& before, const json::Object& after) {
    RuleRoom room(rules);
    room.set_power_levels(before);
    return room.check(room.make(kMod, "m.room.power_levels", "", room.power_levels(after)));
}

struct LevelsRow {
    std::string_view sentence;
    json::Object before;
    json::Object after;
    std::string expected;
};

void check(const std::vector<LevelsRow>& rows) {
    for (const RoomRules& rules : all_room_rules()) {
        for (const LevelsRow& row : rows) {
            EXPECT_EQ(change(rules, row.before, row.after), row.expected)
                << "room version " << rules.version << ": " << row.sentence;
        }
    }
}

TEST(PowerLevelRules, LimitTheNamedLevels) {
    check({
        {"nothing changes", {{"ban", 70}}, {{"ban", 70}}, "allowed"},
        {"a level below the sender is raised up to the sender",
         {{"ban", 10}},
         {{"ban", 50}},
         "allowed"},
        {"not above the sender", {{"ban", 50}}, {{"ban", 51}}, "v12 10.6.2"},
        {"a level above the sender is not lowered", {{"ban", 51}}, {{"ban", 50}}, "v12 10.6.1"},
        {"nor removed", {{"ban", 51}}, {}, "v12 10.6.1"},
        {"nor added", {}, {{"ban", 51}}, "v12 10.6.2"},
        {"users_default counts", {}, {{"users_default", 51}}, "v12 10.6.2"},
        {"events_default counts", {}, {{"events_default", 51}}, "v12 10.6.2"},
        {"state_default counts", {}, {{"state_default", 51}}, "v12 10.6.2"},
        {"redact counts", {}, {{"redact", 51}}, "v12 10.6.2"},
        {"kick counts", {}, {{"kick", 51}}, "v12 10.6.2"},
        {"invite counts", {}, {{"invite", 51}}, "v12 10.6.2"},
        {"a level of no meaning does not", {}, {{"dance", 51}}, "allowed"},
        {"the largest integer is a level", {}, {{"ban", json::kIntegerMax}}, "v12 10.6.2"},
        {"the smallest is, too", {}, {{"ban", json::kIntegerMin}}, "allowed"},
    });
}

// Where nothing is written, the default is the current value.
TEST(PowerLevelRules, CountTheDefaultOfAnAbsentLevel) {
    for (const RoomRules& rules : all_room_rules()) {
        const auto check_at_40 = [&](const json::Object& before, const json::Object& after) {
            RuleRoom room(rules);
            const json::Object levels = {{"users", json::Object{{kUser, 40}}},
                                         {"state_default", 0}};
            json::Object full_before = levels;
            for (const json::Member& member : before)
                full_before.set(member.key, member.value);
            json::Object full_after = levels;
            for (const json::Member& member : after)
                full_after.set(member.key, member.value);
            room.set_power_levels(full_before);
            return room.check(room.make(kUser, "m.room.power_levels", "", full_after));
        };
        EXPECT_EQ(check_at_40({}, {{"ban", 30}}), "v12 10.6.1");
        EXPECT_EQ(check_at_40({{"ban", 30}}, {}), "v12 10.6.2");
        EXPECT_EQ(check_at_40({}, {{"invite", 30}}), "allowed");
        EXPECT_EQ(check_at_40({{"invite", 30}}, {}), "allowed");
    }
}

json::Object events(std::int64_t level) {
    return {{"events", json::Object{{"x", level}}}};
}
json::Object notifications(std::int64_t level) {
    return {{"notifications", json::Object{{"room", level}}}};
}

TEST(PowerLevelRules, LimitTheLevelsOfTypes) {
    check({
        {"a type gets the sender's level", {}, events(50), "allowed"},
        {"not more", {}, events(51), "v12 10.8.1"},
        {"it is not raised above", events(0), events(51), "v12 10.8.1"},
        {"nor lowered from above", events(51), events(0), "v12 10.7.1"},
        {"nor removed", events(51), {}, "v12 10.7.1"},
        {"what stays does not matter", events(51), events(51), "allowed"},
        {"what is below is removed", events(50), {}, "allowed"},
    });
}

// Whichever of the keys changes, beside others before and behind it.
TEST(PowerLevelRules, LookAtEveryKeyOfBothMaps) {
    const auto types = [](const json::Object& levels) { return json::Object{{"events", levels}}; };
    const json::Object all = {{"a", 60}, {"c", 60}, {"e", 60}};
    check({
        {"the first is removed", types(all), types({{"c", 60}, {"e", 60}}), "v12 10.7.1"},
        {"one between is removed", types(all), types({{"a", 60}, {"e", 60}}), "v12 10.7.1"},
        {"the last is removed", types(all), types({{"a", 60}, {"c", 60}}), "v12 10.7.1"},
        {"all are removed", types(all), {}, "v12 10.7.1"},
        {"one becomes another", types(all), types({{"a", 60}, {"d", 60}, {"e", 60}}), "v12 10.7.1"},
        {"one comes first",
         types({{"b", 60}, {"c", 60}}),
         types({{"a", 51}, {"b", 60}, {"c", 60}}),
         "v12 10.8.1"},
        {"one comes between",
         types(all),
         types({{"a", 60}, {"b", 51}, {"c", 60}, {"e", 60}}),
         "v12 10.8.1"},
        {"one comes last",
         types(all),
         types({{"a", 60}, {"c", 60}, {"e", 60}, {"f", 51}}),
         "v12 10.8.1"},
        {"two are too high", {}, types({{"a", 51}, {"b", 51}}), "v12 10.8.1"},
        {"an old level is named before a new one",
         types({{"b", 51}}),
         types({{"a", 51}, {"b", 0}}),
         "v12 10.7.1"},
        {"those below the sender come and go",
         types({{"a", 1}, {"b", 60}, {"c", 1}}),
         types({{"b", 60}, {"d", 50}}),
         "allowed"},
    });
    const auto users = [](json::Object levels) {
        levels.set(kMod, 50);
        return json::Object{{"users", levels}};
    };
    check({
        {"two equals are removed", users({{"@a:a", 50}, {"@b:a", 50}}), users({}), "v12 10.9.1"},
        {"two users are too high", users({}), users({{"@a:a", 51}, {"@b:a", 52}}), "v12 10.10.1"},
        {"one becomes another",
         users({{"@a:a", 50}, {"@z:a", 1}}),
         users({{"@b:a", 50}, {"@z:a", 1}}),
         "v12 10.9.1"},
        {"the weak come and go",
         users({{"@a:a", 1}, {"@z:a", 1}}),
         users({{"@b:a", 50}, {"@n:a", 1}}),
         "allowed"},
    });
}

TEST(PowerLevelRules, LimitTheLevelsOfNotificationsSinceVersion6) {
    for (const RoomRules& rules : all_room_rules()) {
        const auto expect =
            [&](const json::Object& before, const json::Object& after, std::string_view expected) {
                EXPECT_EQ(change(rules, before, after),
                          rules.checks_notifications ? expected : "allowed")
                    << rules.version;
            };
        expect({}, notifications(50), "allowed");
        expect({}, notifications(51), "v12 10.8.1");
        expect(notifications(51), notifications(10), "v12 10.7.1");
        expect(notifications(50), notifications(10), "allowed");
        expect(notifications(51), {}, "v12 10.7.1");
    }
}

TEST(PowerLevelRules, LimitTheLevelsOfUsers) {
    const auto users = [](std::int64_t mod, std::optional<std::int64_t> user) {
        json::Object levels = {{kMod, mod}};
        if (user) levels.set(kUser, *user);
        return json::Object{{"users", levels}};
    };
    check({
        {"somebody gets the sender's level", users(50, {}), users(50, 50), "allowed"},
        {"not more", users(50, {}), users(50, 51), "v12 10.10.1"},
        {"somebody below is raised", users(50, 49), users(50, 50), "allowed"},
        {"somebody below is lowered", users(50, 49), users(50, -1), "allowed"},
        {"somebody below is removed", users(50, 49), users(50, {}), "allowed"},
        {"an equal is not lowered", users(50, 50), users(50, 49), "v12 10.9.1"},
        {"an equal is not raised", users(50, 50), users(50, 51), "v12 10.9.1"},
        {"an equal is not removed", users(50, 50), users(50, {}), "v12 10.9.1"},
        {"an equal may stay", users(50, 50), users(50, 50), "allowed"},
        {"the sender steps down", users(50, {}), users(0, {}), "allowed"},
        {"the sender does not step up", users(50, {}), users(51, {}), "v12 10.10.1"},
        {"the sender vanishes", users(50, {}), {{"users", json::Object{}}}, "allowed"},
    });
}

TEST(PowerLevelRules, LetAnybodyWithTheLevelMakeTheFirst) {
    for (const RoomRules& rules : all_room_rules()) {
        RuleRoom room(rules);
        room.clear("m.room.power_levels");
        const json::Object high = {{"users", json::Object{{kUser, 1000}}}, {"ban", 1000}};
        EXPECT_EQ(room.check(room.make(kCreator, "m.room.power_levels", "", high)), "allowed");
        EXPECT_EQ(room.check(room.make(kMod, "m.room.power_levels", "", high)), "v12 8");
    }
}

TEST(PowerLevelRules, PutCreatorsAboveAllInVersion12) {
    const RoomRules& rules = *find_room_rules("12");
    RuleRoom room(rules);
    room.set_power_levels({{"ban", json::kIntegerMax}});
    EXPECT_EQ(room.check(room.make(kCreator, "m.room.power_levels", "", {})), "allowed");

    const json::Object naming = {{"users", json::Object{{kCreator, 100}}}};
    EXPECT_EQ(room.check(room.make(kCreator, "m.room.power_levels", "", naming)), "v12 10.4");

    room.set_create({{"additional_creators", json::Array{kUser}}});
    EXPECT_EQ(room.check(room.make(kUser, "m.room.power_levels", "", {})), "allowed");
    const json::Object naming_user = {{"users", json::Object{{kUser, 0}}}};
    EXPECT_EQ(room.check(room.make(kCreator, "m.room.power_levels", "", naming_user)), "v12 10.4");
    EXPECT_EQ(room.check(room.member(kCreator, kUser, "leave")), "v12 5.5.5");
}

TEST(PowerLevelRules, NeedIntegersSinceVersion10) {
    for (const RoomRules& rules : all_room_rules()) {
        const bool is_strict = rules.power_levels == PowerLevelSyntax::Integers;
        const auto expect =
            [&](const json::Object& after, std::string_view strict, std::string_view lenient) {
                const json::Object users = {{kMod, 50}};
                json::Object full = after;
                if (!full.contains("users")) full.set("users", users);
                EXPECT_EQ(change(rules, {{"users", users}}, full), is_strict ? strict : lenient)
                    << rules.version << ' ' << after;
            };
        for (const char* name : {"users_default",
                                 "events_default",
                                 "state_default",
                                 "ban",
                                 "redact",
                                 "kick",
                                 "invite"}) {
            expect({{name, "10"}}, "v12 10.1", "allowed");
            expect({{name, nullptr}}, "v12 10.1", "allowed");
            expect({{name, true}}, "v12 10.1", "allowed");
        }
        for (const char* name : {"events", "notifications"}) {
            expect({{name, json::Object{{"x", "10"}}}}, "v12 10.2", "allowed");
            expect({{name, json::Array{}}}, "v12 10.2", "allowed");
        }
        expect({{"users", json::Object{{kMod, "50"}}}}, "v12 10.3", "allowed");
        expect({{"users", json::Object{{kMod, 50}, {kUser, true}}}}, "v12 10.3", "v12 10.3");
        expect({{"users", json::Object{{kMod, 50}, {"user", 1}}}}, "v12 10.3", "v12 10.3");
        expect({{"users", nullptr}}, "v12 10.3", "v12 10.3");
    }
}

TEST(PowerLevelRules, RefuseNumbersBeyondDoubleUpToVersion5) {
    for (const RoomRules& rules : all_room_rules()) {
        if (rules.power_levels != PowerLevelSyntax::IntegersStringsAndFloats) continue;
        EXPECT_EQ(change(rules, {}, {{"ban", json::OtherNumber{"1e309"}}}), "v5 10");
        EXPECT_EQ(change(rules, {}, {{"ban", json::OtherNumber{"12.9"}}}), "allowed");
        EXPECT_EQ(change(rules, {}, {{"ban", json::OtherNumber{"1e300"}}}), "v12 10.6.2");
    }
}

}  // namespace
}  // namespace matrix::testing
