// Laws of the authorization rules between room versions: what a version did not change, it judges
// as the version before it does.

#include <array>
#include <functional>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/protocol/draw_room.h"
#include "tests/protocol/remade_events.h"

namespace matrix::testing {
namespace {

using generators::Room;
using generators::RoomEvent;

// A room version, the next one, and the events that both know in the same way.
struct VersionStep {
    std::string_view from;
    std::string_view to;
    std::function<bool(const Event&)> is_common;
};

bool is_any(const Event&) {
    return true;
}

bool is_no_redaction(const Event& event) {
    return event.type != "m.room.redaction";
}

bool has_only_integer_levels(const json::Object& content) {
    for (const json::Member& member : content) {
        if (const json::Object* map = member.value.if_object()) {
            if (!has_only_integer_levels(*map)) return false;
        } else if (!member.value.if_integer()) {
            return false;
        }
    }
    return true;
}

bool has_plain_levels(const Event& event) {
    return event.type != "m.room.power_levels" || has_only_integer_levels(event.parse_content());
}

// v6 ends the rule on aliases, counts notifications, and knows no floats.
bool is_known_before_v6(const Event& event) {
    const bool has_notifications =
        event.type == "m.room.power_levels" && event.parse_content().contains("notifications");
    return event.type != "m.room.aliases" && !has_notifications && has_plain_levels(event);
}

bool mentions(const Event& event, std::string_view word) {
    return event.text.find(word) != std::string::npos;
}

bool is_no_knock(const Event& event) {
    return !mentions(event, "\"knock\"");
}

bool is_not_restricted(const Event& event) {
    return !mentions(event, "restricted\"") && !mentions(event, "join_authorised_via_users_server");
}

bool is_known_before_v10(const Event& event) {
    return has_plain_levels(event) && !mentions(event, "\"knock_restricted\"");
}

// v11 has no `creator`: there the sender of the create event is who it was.
bool has_no_other_creator(const Event& event) {
    const auto* create = event.find_content<CreateContent>();
    return !create || create->creator == event.sender;
}

const std::array kSteps = {
    VersionStep{"1", "2", is_any},
    VersionStep{"2", "3", is_no_redaction},
    VersionStep{"3", "4", is_any},
    VersionStep{"4", "5", is_any},
    VersionStep{"5", "6", is_known_before_v6},
    VersionStep{"6", "7", is_no_knock},
    VersionStep{"7", "8", is_not_restricted},
    VersionStep{"8", "9", is_any},
    VersionStep{"9", "10", is_known_before_v10},
    VersionStep{"10", "11", has_no_other_creator},
};

// The rule, or "allowed".
std::string verdict_of(const JudgedBy& state, const Event& event) {
    const auth::Verdict verdict =
        auth::check_against(state.auth_state(event), event, ed25519_verifier());
    return verdict ? "allowed" : std::string(verdict.error().rule);
}

// `state` without the entries that one of the versions reads in its own way.
State common_part(const Room& room, const State& state, const VersionStep& step) {
    State common = state;
    state.for_each([&](const StateKey& key, const EventId& id) {
        if (!step.is_common(*room.find(id).event)) common = common.without(key);
    });
    return common;
}

// P-A17: the verdict and the rule, for everything that two versions have in common.
RC_GTEST_PROP(AuthRuleVersions, JudgeWhatTheyHaveInCommonAlike, ()) {
    const VersionStep& step =
        kSteps[*rc::gen::resize(rc::kNominalSize, rc::gen::inRange<std::size_t>(0, kSteps.size()))];
    const RoomRules& from = *find_room_rules(step.from);
    const RoomRules& to = *find_room_rules(step.to);
    const Room room = draw::room(from, {.realism = generators::Realism::Abstract});
    const EventId create = room.events().front().event->id;
    RC_PRE(step.is_common(*room.events().front().event));
    const auto later = [&](const Event& event) { return in_version(event, to, create); };
    for (const RoomEvent& made : room.events()) {
        if (made.event->type == "m.room.create" || !step.is_common(*made.event)) continue;
        const State state = common_part(room, made.before, step);
        RC_ASSERT(verdict_of(JudgedBy(room, state), *made.event) ==
                  verdict_of(JudgedBy(room, state, later), later(*made.event)));
    }
    RC_TAG(std::string(step.to));
}

// P-A16: what v11 allows and no creator has to do with, v12 allows too.
RC_GTEST_PROP(AuthRuleVersions, AllowInV12WhatV11AllowedWithoutCreators, ()) {
    const RoomRules& v11 = *find_room_rules("11");
    const RoomRules& v12 = *find_room_rules("12");
    const Room room = draw::room(v11, {.realism = generators::Realism::Abstract});
    const Event& create = *room.events().front().event;
    const auto later = [&](const Event& event) { return in_version(event, v12, create.id); };
    for (const RoomEvent& made : room.events()) {
        const Event& event = *made.event;
        const JudgedBy state(room, made.before);
        const bool concerns_creator = event.sender == create.sender ||
                                      event.state_key == create.sender.view() ||
                                      mentions(event, create.sender.view());
        // Where there are no power levels, the creator's are assumed in v11. And in v12 no state
        // can have another create event than the one that the room id names.
        if (concerns_creator || event.type == "m.room.create") continue;
        const EventId* created_by = made.before.find("m.room.create", "");
        if (!created_by || *created_by != create.id) continue;
        if (verdict_of(state, event) != "allowed") continue;
        RC_ASSERT(verdict_of(JudgedBy(room, made.before, later), later(event)) == "allowed");
    }
}

// P-A16: creators of v12 pass every check of a level.
RC_GTEST_PROP(AuthRuleVersions, LetCreatorsOfV12PassEveryLevel, ()) {
    const RoomRules& v12 = *find_room_rules("12");
    const Room room = draw::room(v12, {.realism = generators::Realism::Abstract});
    const Event& create = *room.events().front().event;
    for (const RoomEvent& made : room.events()) {
        const Event& event = *made.event;
        if (event.sender != create.sender || event.type == "m.room.create") continue;
        const std::string rule = verdict_of(JudgedBy(room, made.before), event);
        for (const std::string_view level : {"v12 8",
                                             "v12 7.1",
                                             "v12 10.6.1",
                                             "v12 10.6.2",
                                             "v12 10.7.1",
                                             "v12 10.8.1",
                                             "v12 10.9.1",
                                             "v12 10.10.1"}) {
            RC_ASSERT(rule != level);
        }
    }
}

TEST(AuthRuleVersions, RefuseInV12WhatNamesACreatorOrCitesTheCreateEvent) {
    const RoomRules& v12 = *find_room_rules("12");
    generators::Choices choices = generators::Choices::from_numbers({});
    const Room room = generators::make_room(choices, v12, generators::kHonestRoom);
    const EventPtr create = room.events().front().event;
    const State& state = room.events().back().after;
    const Event& levels = *room.find(*state.find("m.room.power_levels", "")).event;
    const Event naming = with_content(levels, [&](json::Object& content) {
        content.set("users", json::Object{{create->sender.text(), 100}});
    });
    EXPECT_EQ(verdict_of(JudgedBy(room, state), naming), "v12 10.4");

    Event citing = levels;
    citing.auth_events = {create->id};
    const auth::CitedEvent cited[] = {{.event = create}};
    const auto passed = auth::check_cited(citing, cited, create.get());
    ASSERT_FALSE(passed.has_value());
    EXPECT_EQ(passed.error().rule, "v12 3.2");
}

// A textual form of a level, and what it is in v1 to v5, v6 to v9, and later. Nothing: no level.
struct LevelForm {
    json::Value value;
    std::optional<std::int64_t> with_floats;
    std::optional<std::int64_t> with_strings;
    std::optional<std::int64_t> integers_only;
};

// P-A14
TEST(AuthRuleVersions, ReadEachFormOfALevelAsTheirTextSays) {
    constexpr std::nullopt_t kNone = std::nullopt;
    const std::vector<LevelForm> forms = {
        {50, 50, 50, 50},
        {-1, -1, -1, -1},
        {json::kIntegerMax, json::kIntegerMax, json::kIntegerMax, json::kIntegerMax},
        {"50", 50, 50, kNone},
        {" +7 ", 7, 7, kNone},
        {"-00100", -100, -100, kNone},
        {"", kNone, kNone, kNone},
        {"+", kNone, kNone, kNone},
        {"--1", kNone, kNone, kNone},
        {"1_000", kNone, kNone, kNone},
        {"0x10", kNone, kNone, kNone},
        {"\xef\xbc\x91\xef\xbc\x92", kNone, kNone, kNone},
        {"5.0", kNone, kNone, kNone},
        {json::OtherNumber{"50.9"}, 50, kNone, kNone},
        {json::OtherNumber{"-0.5"}, 0, kNone, kNone},
        {json::OtherNumber{"5.114698E4"}, 51146, kNone, kNone},
        {json::OtherNumber{"1e400"}, kNone, kNone, kNone},
        {json::OtherNumber{"9007199254740993.0"}, 9007199254740993, kNone, kNone},
        {true, kNone, kNone, kNone},
        {nullptr, kNone, kNone, kNone},
        {json::Array{}, kNone, kNone, kNone},
    };
    for (const RoomRules& rules : all_room_rules()) {
        for (const LevelForm& form : forms) {
            const std::optional<std::int64_t> expected =
                rules.power_levels == PowerLevelSyntax::IntegersStringsAndFloats ? form.with_floats
                : rules.power_levels == PowerLevelSyntax::IntegersAndStrings     ? form.with_strings
                                                                             : form.integers_only;
            EXPECT_EQ(parse_power_level(form.value, rules.power_levels), expected)
                << form.value << " in " << rules.version;
        }
    }
}

}  // namespace
}  // namespace matrix::testing
