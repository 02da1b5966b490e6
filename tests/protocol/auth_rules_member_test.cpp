// Rule 5 of the authorization rules: memberships. Each row is a sentence of the rules, or a
// consequence of one, and is tried in every room version that knows it.

#include <functional>

#include <gtest/gtest.h>

#include "refserver/protocol/base64.h"
#include "tests/protocol/abstract_room.h"

namespace matrix::testing {
namespace {

using VersionField = bool RoomRules::*;

struct MemberRow {
    std::string_view sentence;
    std::function<Event(RuleRoom&)> event;
    std::string expected;
    VersionField needs = nullptr;  ///< Only in versions that have this.
};

void check(const std::vector<MemberRow>& rows) {
    for (const RoomRules& rules : all_room_rules()) {
        for (const MemberRow& row : rows) {
            if (row.needs && !(rules.*row.needs)) continue;
            RuleRoom room(rules);
            const Event event = row.event(room);
            EXPECT_EQ(room.check(event), row.expected)
                << "room version " << rules.version << ": " << row.sentence;
        }
    }
}

TEST(MemberRules, NeedAStateKeyAndAMembership) {
    check({
        {"a membership without state_key is refused",
         [](RuleRoom& room) {
             return room.make(kUser, "m.room.member", std::nullopt, {{"membership", "join"}});
         },
         "v12 5.1"},
        {"a membership without membership is refused",
         [](RuleRoom& room) { return room.make(kUser, "m.room.member", kUser, {}); },
         "v12 5.1"},
        {"a membership that is no string is unknown",
         [](RuleRoom& room) {
             return room.make(kUser, "m.room.member", kUser, {{"membership", 1}});
         },
         "v12 5.8"},
        {"an unknown membership is refused",
         [](RuleRoom& room) { return room.member(kUser, kUser, "dance"); },
         "v12 5.8"},
        {"an authorizing user who is no user id cannot have signed",
         [](RuleRoom& room) {
             return room.member(
                 kUser, kUser, "leave", {{"join_authorised_via_users_server", "nobody"}});
         },
         "v12 5.2.1",
         &RoomRules::has_restricted},
    });
}

TEST(MemberRules, IgnoreTheAuthorizingUserWhereJoinsAreNotRestricted) {
    RuleRoom room(*find_room_rules("7"));
    EXPECT_EQ(room.check(room.member(
                  kUser, kUser, "leave", {{"join_authorised_via_users_server", "nobody"}})),
              "allowed");
}

Event first_join(RuleRoom& room, std::string_view sender, std::string_view target) {
    room.set_join_rule("private");
    Event event = room.member(sender, target, "join");
    event.prev_events = {EventId("$create:a")};
    return event;
}

TEST(MemberRules, LetTheCreatorEnterTheNewRoom) {
    check({
        {"after the create event, the creator joins",
         [](RuleRoom& room) { return first_join(room, kCreator, kCreator); },
         "allowed"},
        {"the rule looks at the state key alone",
         [](RuleRoom& room) { return first_join(room, kUser, kCreator); },
         "allowed"},
        {"nobody else does",
         [](RuleRoom& room) { return first_join(room, kUser, kUser); },
         "v12 5.3.7"},
        {"not when something else precedes",
         [](RuleRoom& room) {
             Event event = first_join(room, kCreator, kCreator);
             event.prev_events.emplace_back("$other:a");
             return event;
         },
         "v12 5.3.7"},
    });
}

TEST(MemberRules, TakeTheCreatorFromTheContentUpToVersion10) {
    for (const RoomRules& rules : all_room_rules()) {
        RuleRoom room(rules);
        room.set_create({{"creator", kMod}});
        EXPECT_EQ(room.check(first_join(room, kMod, kMod)),
                  rules.has_creator_in_content ? "allowed" : "v12 5.3.7")
            << rules.version;
    }
}

TEST(MemberRules, KnowNoCreatorInAContentThatNamesNone) {
    RuleRoom room(*find_room_rules("10"));
    room.set_create({{"creator", 1}});
    EXPECT_EQ(room.check(first_join(room, kCreator, kCreator)), "v12 5.3.7");
}

TEST(MemberRules, KnowNoJoinRuleInAnEmptyContent) {
    for (const RoomRules& rules : all_room_rules()) {
        RuleRoom room(rules);
        room.set(room.make(kCreator, "m.room.join_rules", "", {}));
        room.set_member(kStranger, "invite");
        EXPECT_EQ(room.check(room.member(kStranger, kStranger, "join")), "v12 5.3.7");
    }
}

TEST(MemberRules, AdmitThoseWhomTheJoinRuleAdmits) {
    const auto join = [](std::string_view join_rule, std::string_view membership) {
        return [=](RuleRoom& room) {
            room.set_join_rule(join_rule);
            if (!membership.empty()) room.set_member(kStranger, membership);
            return room.member(kStranger, kStranger, "join");
        };
    };
    check({
        {"nobody joins somebody else",
         [](RuleRoom& room) { return room.member(kCreator, kStranger, "join"); },
         "v12 5.3.2"},
        {"the banned stay out, of public rooms too", join("public", "ban"), "v12 5.3.3"},
        {"anybody joins a public room", join("public", ""), "allowed"},
        {"who has left comes back to a public room", join("public", "leave"), "allowed"},
        {"who knocked may join when the room has become public",
         join("public", "knock"),
         "allowed",
         &RoomRules::has_knock},
        {"the invited join", join("invite", "invite"), "allowed"},
        {"members change their profile", join("invite", "join"), "allowed"},
        {"others need an invite", join("invite", ""), "v12 5.3.7"},
        {"who left needs a new invite", join("invite", "leave"), "v12 5.3.7"},
        {"`private` admits nobody", join("private", "invite"), "v12 5.3.7"},
        {"`private` does not even let members change their profile",
         join("private", "join"),
         "v12 5.3.7"},
        {"an unknown join rule admits nobody", join("dance", "invite"), "v12 5.3.7"},
        {"the invited join where others knock",
         join("knock", "invite"),
         "allowed",
         &RoomRules::has_knock},
        {"a knock is no invite", join("knock", "knock"), "v12 5.3.7", &RoomRules::has_knock},
        {"the invited join a restricted room",
         join("restricted", "invite"),
         "allowed",
         &RoomRules::has_restricted},
        {"others need somebody who vouches for them",
         join("restricted", ""),
         "v12 5.3.5.2",
         &RoomRules::has_restricted},
        {"the same where they could knock",
         join("knock_restricted", "knock"),
         "v12 5.3.5.2",
         &RoomRules::has_knock_restricted},
        {"the invited join there",
         join("knock_restricted", "invite"),
         "allowed",
         &RoomRules::has_knock_restricted},
        {"without a join rule nobody joins",
         [](RuleRoom& room) {
             room.clear("m.room.join_rules");
             room.set_member(kStranger, "invite");
             return room.member(kStranger, kStranger, "join");
         },
         "v12 5.3.7"},
    });
}

TEST(MemberRules, DoNotKnowJoinRulesYoungerThanTheRoom) {
    for (const RoomRules& rules : all_room_rules()) {
        const auto check_join = [&](std::string_view join_rule, bool is_known) {
            RuleRoom room(rules);
            room.set_join_rule(join_rule);
            room.set_member(kStranger, "invite");
            EXPECT_EQ(room.check(room.member(kStranger, kStranger, "join")),
                      is_known ? "allowed" : "v12 5.3.7")
                << rules.version << ' ' << join_rule;
        };
        check_join("knock", rules.has_knock);
        check_join("restricted", rules.has_restricted);
        check_join("knock_restricted", rules.has_knock_restricted);
    }
}

TEST(MemberRules, LetMembersWhoMayInviteVouchForOthers) {
    const auto join_via = [](std::string_view authorizer, std::int64_t invite_level) {
        return [=](RuleRoom& room) {
            room.set_join_rule("restricted");
            room.set_power_levels({{"invite", invite_level}});
            return room.member(
                kStranger, kStranger, "join", {{"join_authorised_via_users_server", authorizer}});
        };
    };
    check({
        {"a member vouches", join_via(kUser, 0), "allowed", &RoomRules::has_restricted},
        {"one without the invite level does not",
         join_via(kUser, 50),
         "v12 5.3.5.2",
         &RoomRules::has_restricted},
        {"one with it does", join_via(kMod, 50), "allowed", &RoomRules::has_restricted},
        {"a stranger does not", join_via("@other:b", 0), "v12 5.3.5.2", &RoomRules::has_restricted},
        {"somebody who left does not",
         [&](RuleRoom& room) {
             room.set_member(kUser, "leave");
             return join_via(kUser, 0)(room);
         },
         "v12 5.3.5.2",
         &RoomRules::has_restricted},
        {"nobody lifts a ban so",
         [&](RuleRoom& room) {
             room.set_member(kStranger, "ban");
             return join_via(kMod, 0)(room);
         },
         "v12 5.3.3",
         &RoomRules::has_restricted},
    });
}

TEST(MemberRules, LetMembersInvite) {
    const auto invite = [](std::string_view sender, std::string_view membership) {
        return [=](RuleRoom& room) {
            room.set_power_levels({{"invite", 50}});
            if (!membership.empty()) room.set_member(kStranger, membership);
            return room.member(sender, kStranger, "invite");
        };
    };
    check({
        {"a member with the level invites", invite(kMod, ""), "allowed"},
        {"again, if they like", invite(kMod, "invite"), "allowed"},
        {"who knocked is let in so", invite(kMod, "knock"), "allowed", &RoomRules::has_knock},
        {"a member without the level does not", invite(kUser, ""), "v12 5.4.5"},
        {"a stranger does not", invite("@other:b", ""), "v12 5.4.2"},
        {"nobody invites a member", invite(kMod, "join"), "v12 5.4.3"},
        {"nobody invites the banned", invite(kMod, "ban"), "v12 5.4.3"},
        {"everybody may, if no level is written",
         [](RuleRoom& room) { return room.member(kUser, kStranger, "invite"); },
         "allowed"},
    });
}

TEST(MemberRules, LetUsersLeaveAndTheMightyKick) {
    const auto leave =
        [](std::string_view sender, std::string_view target, std::string_view membership) {
            return [=](RuleRoom& room) {
                room.set_member(target, membership);
                return room.member(sender, target, "leave");
            };
        };
    check({
        {"a member leaves", leave(kUser, kUser, "join"), "allowed"},
        {"an invite is declined", leave(kStranger, kStranger, "invite"), "allowed"},
        {"a knock is taken back",
         leave(kStranger, kStranger, "knock"),
         "allowed",
         &RoomRules::has_knock},
        {"the banned do not leave", leave(kUser, kUser, "ban"), "v12 5.5.1"},
        {"nobody leaves twice", leave(kUser, kUser, "leave"), "v12 5.5.1"},
        {"who was never there does not leave",
         [](RuleRoom& room) { return room.member(kStranger, kStranger, "leave"); },
         "v12 5.5.1"},
        {"a stranger kicks nobody", leave(kStranger, kUser, "join"), "v12 5.5.2"},
        {"a moderator kicks a user", leave(kMod, kUser, "join"), "allowed"},
        {"a user kicks nobody", leave(kUser, "@other:b", "join"), "v12 5.5.5"},
        {"a moderator does not kick the creator", leave(kMod, kCreator, "join"), "v12 5.5.5"},
        {"a moderator takes an invite back", leave(kMod, kStranger, "invite"), "allowed"},
        {"a moderator lifts a ban", leave(kMod, kStranger, "ban"), "allowed"},
        {"who may kick need not be allowed to unban",
         [](RuleRoom& room) {
             room.set_power_levels({{"ban", 60}});
             room.set_member(kStranger, "ban");
             return room.member(kMod, kStranger, "leave");
         },
         "v12 5.5.3"},
        {"unbanning needs the kick level too",
         [](RuleRoom& room) {
             room.set_power_levels({{"kick", 60}});
             room.set_member(kStranger, "ban");
             return room.member(kMod, kStranger, "leave");
         },
         "v12 5.5.5"},
        {"equals do not kick each other",
         [](RuleRoom& room) {
             room.set_power_levels({{"users", json::Object{{kMod, 50}, {kUser, 50}}}});
             return room.member(kMod, kUser, "leave");
         },
         "v12 5.5.5"},
    });
}

TEST(MemberRules, LetTheMightyBan) {
    const auto ban = [](std::string_view sender, std::string_view target) {
        return [=](RuleRoom& room) { return room.member(sender, target, "ban"); };
    };
    check({
        {"a moderator bans a user", ban(kMod, kUser), "allowed"},
        {"also one who never came", ban(kMod, kStranger), "allowed"},
        {"a user bans nobody", ban(kUser, kStranger), "v12 5.6.3"},
        {"a stranger bans nobody", ban(kStranger, kUser), "v12 5.6.1"},
        {"a moderator does not ban the creator", ban(kMod, kCreator), "v12 5.6.3"},
        {"nobody bans themselves, having as much power as themselves",
         ban(kMod, kMod),
         "v12 5.6.3"},
    });
}

TEST(MemberRules, LetStrangersKnock) {
    const auto knock = [](std::string_view join_rule, std::string_view membership) {
        return [=](RuleRoom& room) {
            room.set_join_rule(join_rule);
            if (!membership.empty()) room.set_member(kStranger, membership);
            return room.member(kStranger, kStranger, "knock");
        };
    };
    check({
        {"a stranger knocks", knock("knock", ""), "allowed", &RoomRules::has_knock},
        {"again, if they like", knock("knock", "knock"), "allowed", &RoomRules::has_knock},
        {"who left knocks", knock("knock", "leave"), "allowed", &RoomRules::has_knock},
        {"not at an invite-only room", knock("invite", ""), "v12 5.7.1", &RoomRules::has_knock},
        {"not at a restricted room", knock("restricted", ""), "v12 5.7.1", &RoomRules::has_knock},
        {"but where both is possible",
         knock("knock_restricted", ""),
         "allowed",
         &RoomRules::has_knock_restricted},
        {"the banned do not knock", knock("knock", "ban"), "v12 5.7.4", &RoomRules::has_knock},
        {"the invited need not knock",
         knock("knock", "invite"),
         "v12 5.7.4",
         &RoomRules::has_knock},
        {"members need not knock", knock("knock", "join"), "v12 5.7.4", &RoomRules::has_knock},
        {"nobody knocks for another",
         [](RuleRoom& room) {
             room.set_join_rule("knock");
             return room.member(kUser, kStranger, "knock");
         },
         "v12 5.7.2",
         &RoomRules::has_knock},
    });
}

TEST(MemberRules, DoNotKnowKnockingBeforeVersion7) {
    for (const RoomRules& rules : all_room_rules()) {
        RuleRoom room(rules);
        room.set_join_rule("knock");
        EXPECT_EQ(room.check(room.member(kStranger, kStranger, "knock")),
                  rules.has_knock ? "allowed" : "v12 5.8");
        room.set_join_rule("knock_restricted");
        EXPECT_EQ(room.check(room.member(kStranger, kStranger, "knock")),
                  rules.has_knock_restricted ? "allowed"
                  : rules.has_knock          ? "v12 5.7.1"
                                             : "v12 5.8");
    }
}

// An invite by address: who owned the address has shown a signed token to the sender's server.
class ThirdPartyInviteRules : public ::testing::Test {
protected:
    ThirdPartyInviteRules()
        : signer_(make_ed25519_signer(KeyId("ed25519:0"), std::string(32, 's'))),
          other_(make_ed25519_signer(KeyId("ed25519:0"), std::string(32, 'o'))) {}

    json::Object signed_part() const {
        json::Object part = {{"mxid", kStranger}, {"token", "abc"}};
        sign_json(part, "identity.test", *signer_);
        return part;
    }
    void check_invite(const json::Object& part, const std::string& expected) {
        check_content({{"third_party_invite", json::Object{{"signed", part}}}}, expected);
    }
    void check_content(const json::Object& content, const std::string& expected) {
        for (const RoomRules& rules : all_room_rules()) {
            RuleRoom room(rules);
            room.set_power_levels({{"invite", 100}});  // The token's sender had the power then.
            if (!target_membership_.empty()) room.set_member(kStranger, target_membership_);
            room.set(room.make(token_sender_, "m.room.third_party_invite", "abc", token_));
            EXPECT_EQ(room.check(room.member(kUser, kStranger, "invite", content)), expected)
                << rules.version;
        }
    }
    static std::string key_of(const Signer& signer) { return encode_base64(signer.public_key()); }

    std::unique_ptr<Signer> signer_;
    std::unique_ptr<Signer> other_;
    std::string token_sender_ = kUser;
    std::string target_membership_;
    json::Object token_ = {{"public_key", key_of(*signer_)}};
};

TEST_F(ThirdPartyInviteRules, AllowASignedToken) {
    check_invite(signed_part(), "allowed");
}

TEST_F(ThirdPartyInviteRules, RefuseTheBanned) {
    target_membership_ = "ban";
    check_invite(signed_part(), "v12 5.4.1.1");
}

TEST_F(ThirdPartyInviteRules, NeedSomethingSigned) {
    check_content({{"third_party_invite", json::Object{}}}, "v12 5.4.1.2");
    check_content({{"third_party_invite", nullptr}}, "v12 5.4.1.2");
    check_content({{"third_party_invite", "x"}}, "v12 5.4.1.2");
}

TEST_F(ThirdPartyInviteRules, NeedUserAndToken) {
    check_content({{"third_party_invite", json::Object{{"signed", 1}}}}, "v12 5.4.1.3");
    check_invite({{"token", "abc"}}, "v12 5.4.1.3");
    check_invite({{"mxid", kStranger}}, "v12 5.4.1.3");
}

TEST_F(ThirdPartyInviteRules, NeedTheInvitedUser) {
    check_invite({{"mxid", kMod}, {"token", "abc"}}, "v12 5.4.1.4");
    check_invite({{"mxid", 1}, {"token", "abc"}}, "v12 5.4.1.4");
}

TEST_F(ThirdPartyInviteRules, NeedATokenOfTheRoom) {
    check_invite({{"mxid", kStranger}, {"token", "other"}}, "v12 5.4.1.5");
    check_invite({{"mxid", kStranger}, {"token", 1}}, "v12 5.4.1.5");
}

TEST_F(ThirdPartyInviteRules, NeedTheSenderOfTheToken) {
    token_sender_ = kMod;
    check_invite(signed_part(), "v12 5.4.1.6");
}

TEST_F(ThirdPartyInviteRules, NeedASignature) {
    check_invite({{"mxid", kStranger}, {"token", "abc"}}, "v12 5.4.1.8");
    json::Object forged = signed_part();
    forged.set("more", 1);
    check_invite(forged, "v12 5.4.1.8");
    token_ = {{"public_key", key_of(*other_)}};
    check_invite(signed_part(), "v12 5.4.1.8");
    token_ = {{"public_key", "?"}};
    check_invite(signed_part(), "v12 5.4.1.8");
}

TEST_F(ThirdPartyInviteRules, TryEveryKeyOfTheToken) {
    token_ = {
        {"public_key", key_of(*other_)},
        {"public_keys",
         json::Array{
             1, json::Object{{"public_key", 1}}, json::Object{{"public_key", key_of(*signer_)}}}}};
    check_invite(signed_part(), "allowed");
    token_ = {{"public_key", encode_base64_url(signer_->public_key())}};
    check_invite(signed_part(), "allowed");
}

TEST_F(ThirdPartyInviteRules, IgnoreKeysThatAreNone) {
    token_ = {{"public_key", 1}, {"public_keys", "x"}};
    check_invite(signed_part(), "v12 5.4.1.8");
    token_ = {{"public_key", encode_base64("short")},
              {"public_keys", json::Array{json::Object{{"public_key", key_of(*signer_)}}}}};
    check_invite(signed_part(), "allowed");
}

TEST_F(ThirdPartyInviteRules, IgnoreSignaturesThatAreNone) {
    json::Object part = signed_part();
    json::Object& signatures = *part.find("signatures")->if_object();
    signatures.set(
        "a.test",
        json::Object{
            {"ed25519:0", "?"}, {"ed25519:1", 1}, {"rsa:0", encode_base64(std::string(64, 'x'))}});
    check_invite(part, "allowed");
}

TEST_F(ThirdPartyInviteRules, TryNoMoreThanSomeKeysAndSignatures) {
    json::Array keys(100, json::Object{{"public_key", key_of(*other_)}});
    keys.insert(keys.begin(), json::Object{{"public_key", key_of(*signer_)}});
    token_ = {{"public_keys", keys}};
    check_invite(signed_part(), "allowed");

    json::Object part = {{"mxid", kStranger}, {"token", "abc"}};
    for (int number = 0; number < 100; ++number)
        sign_json(part, "server" + std::to_string(number), *other_);
    RuleRoom room(*find_room_rules("12"));
    room.set(
        room.make(kUser, "m.room.third_party_invite", "abc", {{"public_key", key_of(*signer_)}}));
    EXPECT_EQ(
        room.check(room.member(
            kUser, kStranger, "invite", {{"third_party_invite", json::Object{{"signed", part}}}})),
        "v12 5.4.1.8");
}

TEST_F(ThirdPartyInviteRules, TryEverySignature) {
    json::Object part = signed_part();
    sign_json(part, "a.test", *other_);
    check_invite(part, "allowed");
}

}  // namespace
}  // namespace matrix::testing
