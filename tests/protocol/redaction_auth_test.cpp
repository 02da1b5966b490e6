// Redaction and authorization: a redacted copy may be judged differently, and where it may not.
//
// It is widely believed that redaction keeps what authorization reads. It does not, in any version:
// a server that has only a redacted copy may come to another verdict. Each counter-example here is
// one thing that is read and not protected; the law holds for events that have none of them.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#redactions

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "refserver/protocol/base64.h"
#include "refserver/protocol/redaction.h"
#include "tests/generators/room.h"
#include "tests/protocol/abstract_room.h"
#include "tests/protocol/draw.h"

namespace matrix::testing {
namespace {

json::Object redacted_content(const Event& event) {
    json::Object pdu = event.parse_text();
    pdu.set("type", event.type);
    return *redact(pdu, *event.rules).find("content")->if_object();
}

// The same event with what redaction leaves of its content.
Event redacted(const RuleRoom& room, const Event& event) {
    return room.make(event.sender.view(), event.type, event.state_key, redacted_content(event));
}

void redact_in_state(RuleRoom& room, std::string_view type, std::string_view state_key = "") {
    room.set(redacted(room, *room.find(type, state_key)));
}

TEST(RedactedState, LosesThePublicKeysOfThirdPartyInvites) {
    const auto signer = make_ed25519_signer(KeyId("ed25519:0"), std::string(32, 's'));
    json::Object part = {{"mxid", kStranger}, {"token", "abc"}};
    sign_json(part, "identity.test", *signer);
    for (const RoomRules& rules : all_room_rules()) {
        RuleRoom room(rules);
        room.set(room.make(kUser,
                           "m.room.third_party_invite",
                           "abc",
                           {{"public_key", encode_base64(signer->public_key())}}));
        const Event invite = room.member(
            kUser, kStranger, "invite", {{"third_party_invite", json::Object{{"signed", part}}}});
        EXPECT_EQ(room.check(invite), "allowed") << rules.version;
        redact_in_state(room, "m.room.third_party_invite", "abc");
        EXPECT_EQ(room.check(invite), "v12 5.4.1.8") << rules.version;
    }
}

// Somebody of level 50 sends the power levels again with a level of 100 that was there before:
// against the redacted ones it is a level that he adds.
TEST(RedactedState, LosesTheLevelsOfNotifications) {
    for (const RoomRules& rules : all_room_rules()) {
        RuleRoom room(rules);
        const json::Object levels = {{"notifications", json::Object{{"room", 100}}}};
        room.set_power_levels(levels);
        const Event again = room.make(kMod, "m.room.power_levels", "", room.power_levels(levels));
        EXPECT_EQ(room.check(again), "allowed") << rules.version;
        redact_in_state(room, "m.room.power_levels");
        EXPECT_EQ(room.check(again), rules.checks_notifications ? "v12 10.8.1" : "allowed")
            << rules.version;
    }
}

TEST(RedactedState, LosesTheLevelOfInvitesUpToVersion10) {
    for (const RoomRules& rules : all_room_rules()) {
        RuleRoom room(rules);
        room.set_power_levels({{"invite", 100}});
        const Event invite = room.member(kUser, kStranger, "invite");
        const std::string before = room.check(invite);
        EXPECT_NE(before, "allowed") << rules.version;
        redact_in_state(room, "m.room.power_levels");
        EXPECT_EQ(room.check(invite), rules.redaction.keeps_invite_level ? before : "allowed")
            << rules.version;
    }
}

TEST(RedactedState, LosesThatARoomIsNotFederatedUpToVersion10) {
    for (const RoomRules& rules : all_room_rules()) {
        RuleRoom room(rules);
        json::Object create = {{"m.federate", false}};
        if (rules.has_creator_in_content) create.set("creator", kCreator);
        room.set_create(create);
        const Event message = room.make(kUser, "m.room.message", std::nullopt, {});
        EXPECT_EQ(room.check(message), "v12 4") << rules.version;
        redact_in_state(room, "m.room.create");
        EXPECT_EQ(room.check(message), rules.redaction.keeps_all_of_create ? "v12 4" : "allowed")
            << rules.version;
    }
}

// Why there is a version 9.
TEST(RedactedEvent, LosesWhoAuthorisedAJoinInVersion8) {
    for (const RoomRules& rules : all_room_rules()) {
        if (!rules.has_restricted) continue;
        RuleRoom room(rules);
        room.set_join_rule("restricted");
        const Event join =
            room.member(kStranger, kStranger, "join", {{"join_authorised_via_users_server", kMod}});
        EXPECT_EQ(room.check(join), "allowed") << rules.version;
        EXPECT_EQ(room.check(redacted(room, join)) == "allowed",
                  rules.redaction.keeps_authorising_user)
            << rules.version;
    }
}

TEST(RedactedEvent, LosesTheProofOfAThirdPartyInviteUpToVersion10) {
    const auto signer = make_ed25519_signer(KeyId("ed25519:0"), std::string(32, 's'));
    json::Object part = {{"mxid", kStranger}, {"token", "abc"}};
    sign_json(part, "identity.test", *signer);
    for (const RoomRules& rules : all_room_rules()) {
        RuleRoom room(rules);
        room.set(room.make(kUser,
                           "m.room.third_party_invite",
                           "abc",
                           {{"public_key", encode_base64(signer->public_key())}}));
        room.set_power_levels({{"invite", 100}});
        const Event invite = room.member(
            kUser, kStranger, "invite", {{"third_party_invite", json::Object{{"signed", part}}}});
        EXPECT_EQ(room.check(invite), "allowed") << rules.version;
        EXPECT_EQ(room.check(redacted(room, invite)) == "allowed",
                  rules.redaction.keeps_signed_third_party_invite)
            << rules.version;
    }
}

// Does redaction take away something of this event that authorization reads?
bool loses_something(const Event& event) {
    const RoomRules& rules = *event.rules;
    if (event.type == "m.room.third_party_invite") return true;
    // v1 and v2 ask which event a redaction redacts, and do not protect it.
    if (event.type == "m.room.redaction") return rules.has_redaction_auth_rule;
    const json::Object content = event.parse_content();
    const json::Object kept = redacted_content(event);
    const auto loses = [&](std::initializer_list<const char*> keys) {
        return std::ranges::any_of(keys, [&](const char* key) {
            const json::Value* before = content.find(key);
            const json::Value* after = kept.find(key);
            return before && !(after && *before == *after);
        });
    };
    if (event.type == "m.room.power_levels") return loses({"notifications", "invite"});
    if (event.type == "m.room.create") return loses({"m.federate", "room_version"});
    if (event.type == "m.room.join_rules") return false;
    return event.type == "m.room.member" &&
           loses({"third_party_invite", "join_authorised_via_users_server"});
}

auth::AuthState auth_state_of(const std::vector<Event>& entries, const Event& event) {
    auth::AuthState state;
    const auto set = [&](auth::Role role, std::string_view type, std::string_view state_key) {
        const auto found = std::ranges::find_if(
            entries, [&](const Event& entry) { return entry.is(type, state_key); });
        state.set(role, found == entries.end() ? nullptr : &*found);
    };
    set(auth::Role::Create, "m.room.create", "");
    for (const auto& [role, type, state_key] : auth::required_state(event))
        set(role, type, state_key);
    return state;
}

std::string verdict_of(const std::vector<Event>& state, const Event& event) {
    const auto verdict =
        auth::check_against(auth_state_of(state, event), event, ed25519_verifier());
    return verdict ? "allowed" : std::string(verdict.error().rule);
}

RC_GTEST_PROP(RedactionAuthProperty, KeepsVerdictsWhereNothingIsLostThatRulesRead, ()) {
    const RoomRules& rules = draw::rules();
    auto choices = generators::Choices::from_numbers(*rc::gen::scale(
        6, rc::gen::container<std::vector<std::uint32_t>>(rc::gen::inRange(0, 600))));
    const generators::Room room = generators::make_room(choices, rules);
    auto more = generators::Choices::from_seed(*rc::gen::inRange(0, 1'000'000));
    int allowed = 0;
    constexpr int kChecks = 10;
    for (int count = 0; count < kChecks; ++count) {
        const auto& events = room.events();
        const Event& event = *events[more.below(events.size())].event;
        std::vector<Event> state;
        std::vector<Event> redacted_state;
        events[more.below(events.size())].after.for_each([&](const StateKey&, const EventId& id) {
            const Event& entry = *room.find(id).event;
            state.push_back(entry);
            redacted_state.push_back(loses_something(entry) ? entry : redact(entry));
        });
        const std::string verdict = verdict_of(state, event);
        allowed += verdict == "allowed" ? 1 : 0;
        RC_ASSERT(verdict_of(redacted_state, event) == verdict);
        if (!loses_something(event)) RC_ASSERT(verdict_of(state, redact(event)) == verdict);
    }
    RC_CLASSIFY(allowed < kChecks, "some refused");
}

}  // namespace
}  // namespace matrix::testing
