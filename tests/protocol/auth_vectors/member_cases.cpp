// Rules about memberships, but for invites.

#include "tests/protocol/auth_vectors/cases.h"

namespace matrix::testing {
namespace {

constexpr const char* kAuthorizer = "join_authorised_via_users_server";
constexpr const char* kBystander = "@bystander:c";

// The stranger joins, whose membership was `membership` (empty: none) under `join_rule`.
void join(Scene& s, const json::Value& join_rule, std::string_view membership) {
    s.set_join_rule(join_rule);
    if (!membership.empty()) s.set_member(kStranger, membership);
    s.send_member(kStranger, kStranger, "join");
}
void join_restricted(Scene& s, std::string_view authorizer) {
    s.set_join_rule("restricted");
    s.send_member(kStranger, kStranger, "join", {{kAuthorizer, authorizer}});
}
void enter(Scene& s, std::string_view sender, std::string_view target) {
    s.start_over();
    s.send_member(sender, target, "join");
    s.follow_create();
}
void leave(Scene& s,
           std::string_view sender,
           std::string_view target,
           std::string_view membership) {
    if (!membership.empty()) s.set_member(target, membership);
    s.send_member(sender, target, "leave");
}
void knock(Scene& s, const json::Value& join_rule, std::string_view membership) {
    s.set_join_rule(join_rule);
    if (!membership.empty()) s.set_member(kStranger, membership);
    s.send_member(kStranger, kStranger, "knock");
}

const CaseRow kMemberRows[] = {
    {"v12 5.1",
     "member-with-state-key-and-membership",
     "the event has a state_key and a membership",
     allowed("v12 5.5.1"),
     [](Scene& s) { s.send_member(kUser, kUser, "leave"); }},
    {"v12 5.1",
     "member-without-state-key",
     "a membership has no state_key",
     refused("v12 5.1"),
     [](Scene& s) {
         s.send_member(kUser, kUser, "leave");
         s.event().erase("state_key");
     }},
    {"v12 5.1",
     "member-without-membership",
     "a membership says no membership",
     refused("v12 5.1"),
     [](Scene& s) { s.send(kUser, "m.room.member", kUser, {{"displayname", "user"}}); }},
    {"v12 5.1",
     "member-without-membership-of-other-server",
     "the rules before it come first: the room is not federated",
     refused("v12 4"),
     [](Scene& s) {
         s.set_create({{"m.federate", false}});
         s.send(kUser, "m.room.member", kUser, {});
     }},
    {"v12 5.2.1",
     "authorizer-is-a-user",
     "the authorizing user's server can have signed",
     allowed("v12 5.5.1"),
     [](Scene& s) { s.send_member(kUser, kUser, "leave", {{kAuthorizer, kMod}}); }},
    {"v12 5.2.1",
     "authorizer-is-no-user",
     "no server can have signed for what is no user id, whatever the membership is",
     refused("v12 5.2.1"),
     [](Scene& s) { s.send_member(kUser, kUser, "leave", {{kAuthorizer, "nobody"}}); }},
    {"v12 5.2.1",
     "authorizer-is-null",
     "a property that is null is there",
     refused("v12 5.2.1"),
     [](Scene& s) { s.send_member(kUser, kUser, "leave", {{kAuthorizer, nullptr}}); }},
    {"v12 5.8",
     "ban-with-known-membership",
     "the membership is known",
     allowed("v12 5.6.2"),
     [](Scene& s) { s.send_member(kMod, kUser, "ban"); }},
    {"v12 5.8",
     "member-with-unknown-membership",
     "the membership is unknown",
     refused("v12 5.8"),
     [](Scene& s) { s.send_member(kMod, kUser, "dance"); }},
    {"v12 5.8",
     "member-with-capitals",
     "memberships are written in small letters",
     refused("v12 5.8"),
     [](Scene& s) { s.send_member(kUser, kUser, "Leave"); }},
    {"v12 5.8",
     "member-with-numeric-membership",
     "a membership that is no string is there, and unknown",
     refused("v12 5.8"),
     [](Scene& s) { s.send(kUser, "m.room.member", kUser, {{"membership", 1}}); }},
    {"v12 5.8",
     "knock-before-v7",
     "knocking is unknown before v7",
     refused("v12 5.8"),
     [](Scene& s) { knock(s, "knock", ""); },
     1,
     6},
};

const CaseRow kJoinRows[] = {
    {"v12 5.3.1",
     "creator-enters",
     "the creator joins after nothing but the create event",
     allowed("v12 5.3.1"),
     [](Scene& s) { enter(s, kCreator, kCreator); }},
    {"v12 5.3.1",
     "creator-enters-after-more",
     "something else precedes, too, and no join rule admits the creator",
     refused("v12 5.3.7"),
     [](Scene& s) {
         enter(s, kCreator, kCreator);
         s.event().set("prev_events", json::Array{"$before", "$create"});
     }},
    {"v12 5.3.1",
     "another-user-enters",
     "the user is not the creator",
     refused("v12 5.3.7"),
     [](Scene& s) { enter(s, kUser, kUser); }},
    {"v12 5.3.1",
     "creator-is-entered-by-another",
     "the rule looks at the state_key, not at the sender",
     allowed("v12 5.3.1"),
     [](Scene& s) { enter(s, kUser, kCreator); }},
    {"v12 5.3.1",
     "creator-of-content-enters",
     "up to v10 the creator is who the content names",
     allowed("v12 5.3.1"),
     [](Scene& s) {
         s.set_create({{"creator", kMod}});
         enter(s, kMod, kMod);
     },
     1,
     10},
    {"v12 5.3.1",
     "creator-of-content-is-nobody",
     "from v11 on the creator is the sender of the create event",
     refused("v12 5.3.7"),
     [](Scene& s) {
         s.set_create({{"creator", kMod}});
         enter(s, kMod, kMod);
     },
     11},
    {"v12 5.3.1",
     "additional-creator-enters",
     "an additional creator is not the sender of the create event",
     refused("v12 5.3.7"),
     [](Scene& s) {
         s.set_create({{"additional_creators", json::Array{kMod}}});
         enter(s, kMod, kMod);
     },
     12},
    {"v12 5.3.2",
     "joins-themselves",
     "the sender is who joins",
     allowed("v12 5.3.6"),
     [](Scene& s) { join(s, "public", ""); }},
    {"v12 5.3.2",
     "joins-somebody-else",
     "the sender is not who joins",
     refused("v12 5.3.2"),
     [](Scene& s) {
         s.set_join_rule("public");
         s.send_member(kMod, kStranger, "join");
     }},
    {"v12 5.3.3",
     "joins-public-room-after-kick",
     "the user is not banned",
     allowed("v12 5.3.6"),
     [](Scene& s) { join(s, "public", "leave"); }},
    {"v12 5.3.3",
     "joins-public-room-when-banned",
     "the user is banned",
     refused("v12 5.3.3"),
     [](Scene& s) { join(s, "public", "ban"); }},
    {"v12 5.3.4",
     "joins-when-invited",
     "an invited user joins an invite-only room",
     allowed("v12 5.3.4"),
     [](Scene& s) { join(s, "invite", "invite"); }},
    {"v12 5.3.4",
     "joins-when-not-invited",
     "the user was not invited",
     refused("v12 5.3.7"),
     [](Scene& s) { join(s, "invite", ""); }},
    {"v12 5.3.4",
     "joins-when-joined",
     "a member of an invite-only room changes the profile",
     allowed("v12 5.3.4"),
     [](Scene& s) { join(s, "invite", "join"); }},
    {"v12 5.3.4",
     "joins-when-invited-where-others-knock",
     "the join rule knock admits the invited",
     allowed("v12 5.3.4"),
     [](Scene& s) { join(s, "knock", "invite"); },
     7},
    {"v12 5.3.5.1",
     "joins-restricted-room-when-invited",
     "the invited join a restricted room",
     allowed("v12 5.3.5.1"),
     [](Scene& s) { join(s, "restricted", "invite"); }},
    {"v12 5.3.5.1",
     "joins-restricted-room-when-not-invited",
     "the user was not invited, and nobody vouches",
     refused("v12 5.3.5.2"),
     [](Scene& s) { join(s, "restricted", ""); }},
    {"v12 5.3.5.1",
     "joins-knock-restricted-room-when-joined",
     "a member changes the profile",
     allowed("v12 5.3.5.1"),
     [](Scene& s) { join(s, "knock_restricted", "join"); },
     10},
    {"v12 5.3.5.2",
     "authorizer-may-invite",
     "a member with the invite level vouches",
     allowed("v12 5.3.5.3"),
     [](Scene& s) {
         s.set_levels({{"invite", 50}});
         join_restricted(s, kMod);
     }},
    {"v12 5.3.5.2",
     "authorizer-may-not-invite",
     "the authorizing user is below the invite level",
     refused("v12 5.3.5.2"),
     [](Scene& s) {
         s.set_levels({{"invite", 51}});
         join_restricted(s, kMod);
     }},
    {"v12 5.3.5.2",
     "authorizer-has-left",
     "the authorizing user is not in the room",
     refused("v12 5.3.5.2"),
     [](Scene& s) {
         s.set_member(kMod, "leave");
         join_restricted(s, kMod);
     }},
    {"v12 5.3.5.2",
     "authorizer-was-never-there",
     "the authorizing user is unknown",
     refused("v12 5.3.5.2"),
     [](Scene& s) { join_restricted(s, kBystander); }},
    {"v12 5.3.5.2",
     "authorizer-is-who-joins",
     "nobody vouches for themselves",
     refused("v12 5.3.5.2"),
     [](Scene& s) { join_restricted(s, kStranger); }},
    {"v12 5.3.5.3",
     "joins-restricted-room-otherwise",
     "a member vouches",
     allowed("v12 5.3.5.3"),
     [](Scene& s) { join_restricted(s, kUser); }},
    {"v12 5.3.5.3",
     "joins-restricted-room-otherwise-twin",
     "nobody in the room vouches",
     refused("v12 5.3.5.2"),
     [](Scene& s) {
         s.set_member(kUser, "leave");
         join_restricted(s, kUser);
     }},
    {"v12 5.3.5.3",
     "joins-knock-restricted-room",
     "a member vouches for who knocked",
     allowed("v12 5.3.5.3"),
     [](Scene& s) {
         s.set_member(kStranger, "knock");
         join_restricted(s, kUser);
         s.set_join_rule("knock_restricted");
     },
     10},
    {"v12 5.3.6",
     "joins-public-room",
     "anybody joins a public room",
     allowed("v12 5.3.6"),
     [](Scene& s) { join(s, "public", ""); }},
    {"v12 5.3.6",
     "joins-room-that-is-not-public",
     "the room is not public",
     refused("v12 5.3.7"),
     [](Scene& s) { join(s, "invite", "leave"); }},
    {"v12 5.3.6",
     "joins-public-room-after-knocking",
     "whoever knocked joins when the room has become public",
     allowed("v12 5.3.6"),
     [](Scene& s) { join(s, "public", "knock"); },
     7},
    {"v12 5.3.7",
     "joins-otherwise",
     "no join rule admits the user",
     refused("v12 5.3.7"),
     [](Scene& s) { join(s, "invite", "leave"); }},
    {"v12 5.3.7",
     "joins-otherwise-twin",
     "the join rule admits the user",
     allowed("v12 5.3.4"),
     [](Scene& s) { join(s, "invite", "invite"); }},
    {"v12 5.3.7",
     "joins-private-room-when-invited",
     "the join rule private admits nobody, not even who is invited",
     refused("v12 5.3.7"),
     [](Scene& s) { join(s, "private", "invite"); }},
    {"v12 5.3.7",
     "joins-private-room-when-joined",
     "the join rule private lets no member change the profile",
     refused("v12 5.3.7"),
     [](Scene& s) { join(s, "private", "join"); }},
    {"v12 5.3.7",
     "joins-room-of-unknown-rule",
     "an unknown join rule admits nobody",
     refused("v12 5.3.7"),
     [](Scene& s) { join(s, "dance", "invite"); }},
    {"v12 5.3.7",
     "joins-room-of-numeric-rule",
     "a join rule that is no string admits nobody",
     refused("v12 5.3.7"),
     [](Scene& s) { join(s, 1, "invite"); }},
    {"v12 5.3.7",
     "joins-room-without-join-rules",
     "the room has no join rule",
     refused("v12 5.3.7"),
     [](Scene& s) {
         join(s, "invite", "invite");
         s.clear("m.room.join_rules");
     },
     1,
     12,
     "the rules say what a join rule allows and name no default for a room without one"},
    {"v12 5.3.7",
     "joins-by-rule-knock-before-v7",
     "the join rule knock is unknown before v7",
     refused("v12 5.3.7"),
     [](Scene& s) { join(s, "knock", "invite"); },
     1,
     6},
    {"v12 5.3.7",
     "joins-by-rule-restricted-before-v8",
     "the join rule restricted is unknown before v8",
     refused("v12 5.3.7"),
     [](Scene& s) { join(s, "restricted", "invite"); },
     1,
     7},
    {"v12 5.3.7",
     "joins-by-rule-knock-restricted-before-v10",
     "the join rule knock_restricted is unknown before v10",
     refused("v12 5.3.7"),
     [](Scene& s) { join(s, "knock_restricted", "invite"); },
     1,
     9},
    {"v12 5.3.7",
     "joins-when-knocked",
     "a knock is no invite",
     refused("v12 5.3.7"),
     [](Scene& s) { join(s, "knock", "knock"); },
     7},
};

const CaseRow kLeaveRows[] = {
    {"v12 5.5.1",
     "leaves",
     "a member leaves",
     allowed("v12 5.5.1"),
     [](Scene& s) { leave(s, kUser, kUser, ""); }},
    {"v12 5.5.1",
     "leaves-when-banned",
     "a banned user does not leave",
     refused("v12 5.5.1"),
     [](Scene& s) { leave(s, kUser, kUser, "ban"); }},
    {"v12 5.5.1",
     "leaves-twice",
     "who has left does not leave",
     refused("v12 5.5.1"),
     [](Scene& s) { leave(s, kUser, kUser, "leave"); }},
    {"v12 5.5.1",
     "leaves-without-having-been-there",
     "who never came does not leave",
     refused("v12 5.5.1"),
     [](Scene& s) { leave(s, kStranger, kStranger, ""); }},
    {"v12 5.5.1",
     "declines-invite",
     "an invite is declined",
     allowed("v12 5.5.1"),
     [](Scene& s) { leave(s, kStranger, kStranger, "invite"); }},
    {"v12 5.5.1",
     "takes-knock-back",
     "a knock is taken back",
     allowed("v12 5.5.1"),
     [](Scene& s) { leave(s, kStranger, kStranger, "knock"); },
     7},
    {"v12 5.5.1",
     "takes-knock-back-before-v7",
     "the membership knock is unknown before v7",
     refused("v12 5.5.1"),
     [](Scene& s) { leave(s, kStranger, kStranger, "knock"); },
     1,
     6},
    {"v12 5.5.1",
     "leaves-with-strange-authorizer",
     "join_authorised_via_users_server means nothing before v8",
     allowed("v12 5.5.1"),
     [](Scene& s) { s.send_member(kUser, kUser, "leave", {{kAuthorizer, "nobody"}}); },
     1,
     7},
    {"v12 5.5.2",
     "kicks-as-member",
     "the sender is in the room",
     allowed("v12 5.5.4"),
     [](Scene& s) { leave(s, kMod, kUser, ""); }},
    {"v12 5.5.2",
     "kicks-from-outside",
     "the sender is not in the room",
     refused("v12 5.5.2"),
     [](Scene& s) {
         s.set_member(kMod, "leave");
         leave(s, kMod, kUser, "");
     }},
    {"v12 5.5.3",
     "unbans",
     "the ban level is reached",
     allowed("v12 5.5.4"),
     [](Scene& s) { leave(s, kMod, kStranger, "ban"); }},
    {"v12 5.5.3",
     "unbans-below-ban-level",
     "the ban level is not reached",
     refused("v12 5.5.3"),
     [](Scene& s) {
         s.set_levels({{"ban", 51}});
         leave(s, kMod, kStranger, "ban");
     }},
    {"v12 5.5.4",
     "kicks",
     "the kick level is reached, and the target is below the sender",
     allowed("v12 5.5.4"),
     [](Scene& s) { leave(s, kMod, kUser, ""); }},
    {"v12 5.5.4",
     "kicks-below-kick-level",
     "the kick level is not reached",
     refused("v12 5.5.5"),
     [](Scene& s) {
         s.set_levels({{"kick", 51}});
         leave(s, kMod, kUser, "");
     }},
    {"v12 5.5.4",
     "kicks-equal",
     "the target is not below the sender",
     refused("v12 5.5.5"),
     [](Scene& s) {
         s.set_levels({{"users", json::Object{{kMod, 50}, {kUser, 50}}}});
         leave(s, kMod, kUser, "");
     }},
    {"v12 5.5.4",
     "kicks-whom-the-default-makes-equal",
     "users that are not named have users_default",
     refused("v12 5.5.5"),
     [](Scene& s) {
         s.set_levels({{"users_default", 50}});
         leave(s, kMod, kUser, "");
     }},
    {"v12 5.5.4",
     "takes-invite-back",
     "an invite is taken back",
     allowed("v12 5.5.4"),
     [](Scene& s) { leave(s, kMod, kStranger, "invite"); }},
    {"v12 5.5.5",
     "kicks-otherwise",
     "the sender has no power",
     refused("v12 5.5.5"),
     [](Scene& s) { leave(s, kUser, kBystander, "join"); }},
    {"v12 5.5.5",
     "kicks-otherwise-twin",
     "the sender has the power",
     allowed("v12 5.5.4"),
     [](Scene& s) { leave(s, kMod, kBystander, "join"); }},
    {"v12 5.5.5",
     "unbans-below-kick-level",
     "lifting a ban needs the kick level, too",
     refused("v12 5.5.5"),
     [](Scene& s) {
         s.set_levels({{"kick", 51}});
         leave(s, kMod, kStranger, "ban");
     }},
    {"v12 5.5.5",
     "kicks-creator",
     "the creator is above the sender",
     refused("v12 5.5.5"),
     [](Scene& s) { leave(s, kMod, kCreator, ""); }},
    {"v12 5.5.5",
     "creator-kicks-additional-creator",
     "creators are equals",
     refused("v12 5.5.5"),
     [](Scene& s) {
         s.set_create({{"additional_creators", json::Array{kUser}}});
         leave(s, kCreator, kUser, "");
     },
     12},
};

const CaseRow kBanRows[] = {
    {"v12 5.6.1",
     "bans-as-member",
     "the sender is in the room",
     allowed("v12 5.6.2"),
     [](Scene& s) { s.send_member(kMod, kUser, "ban"); }},
    {"v12 5.6.1",
     "bans-from-outside",
     "the sender is not in the room",
     refused("v12 5.6.1"),
     [](Scene& s) {
         s.set_member(kMod, "leave");
         s.send_member(kMod, kUser, "ban");
     }},
    {"v12 5.6.2",
     "bans",
     "the ban level is reached, and the target is below the sender",
     allowed("v12 5.6.2"),
     [](Scene& s) { s.send_member(kMod, kUser, "ban"); }},
    {"v12 5.6.2",
     "bans-below-ban-level",
     "the ban level is not reached",
     refused("v12 5.6.3"),
     [](Scene& s) {
         s.set_levels({{"ban", 51}});
         s.send_member(kMod, kUser, "ban");
     }},
    {"v12 5.6.2",
     "bans-whom-nobody-knows",
     "a ban keeps out who never came",
     allowed("v12 5.6.2"),
     [](Scene& s) { s.send_member(kMod, kStranger, "ban"); }},
    {"v12 5.6.2",
     "bans-themselves",
     "nobody is below themselves",
     refused("v12 5.6.3"),
     [](Scene& s) { s.send_member(kMod, kMod, "ban"); }},
    {"v12 5.6.3",
     "bans-otherwise",
     "the target is above the sender",
     refused("v12 5.6.3"),
     [](Scene& s) { s.send_member(kMod, kCreator, "ban"); }},
    {"v12 5.6.3",
     "bans-otherwise-twin",
     "the target is below the sender",
     allowed("v12 5.6.2"),
     [](Scene& s) { s.send_member(kCreator, kMod, "ban"); }},
};

const CaseRow kKnockRows[] = {
    {"v12 5.7.1",
     "knocks-where-one-may",
     "the join rule is knock",
     allowed("v12 5.7.3"),
     [](Scene& s) { knock(s, "knock", ""); }},
    {"v12 5.7.1",
     "knocks-at-invite-only-room",
     "the join rule is another",
     refused("v12 5.7.1"),
     [](Scene& s) { knock(s, "invite", ""); }},
    {"v12 5.7.1",
     "knocks-at-restricted-room",
     "the join rule restricted does not allow knocking",
     refused("v12 5.7.1"),
     [](Scene& s) { knock(s, "restricted", ""); }},
    {"v12 5.7.1",
     "knocks-at-knock-restricted-room",
     "the join rule is knock_restricted",
     allowed("v12 5.7.3"),
     [](Scene& s) { knock(s, "knock_restricted", ""); },
     10},
    {"v12 5.7.1",
     "knocks-at-knock-restricted-room-before-v10",
     "the join rule knock_restricted is unknown before v10",
     refused("v12 5.7.1"),
     [](Scene& s) { knock(s, "knock_restricted", ""); },
     7,
     9},
    {"v12 5.7.2",
     "knocks-themselves",
     "the sender is who knocks",
     allowed("v12 5.7.3"),
     [](Scene& s) { knock(s, "knock", "leave"); }},
    {"v12 5.7.2",
     "knocks-for-somebody-else",
     "the sender is not who knocks",
     refused("v12 5.7.2"),
     [](Scene& s) {
         s.set_join_rule("knock");
         s.send_member(kUser, kStranger, "knock");
     }},
    {"v12 5.7.3",
     "knocks",
     "the user is neither banned nor invited nor a member",
     allowed("v12 5.7.3"),
     [](Scene& s) { knock(s, "knock", ""); }},
    {"v12 5.7.3",
     "knocks-as-member",
     "the user is in the room",
     refused("v12 5.7.4"),
     [](Scene& s) { knock(s, "knock", "join"); }},
    {"v12 5.7.3",
     "knocks-again",
     "who knocked knocks again",
     allowed("v12 5.7.3"),
     [](Scene& s) { knock(s, "knock", "knock"); }},
    {"v12 5.7.4",
     "knocks-otherwise",
     "the user is banned",
     refused("v12 5.7.4"),
     [](Scene& s) { knock(s, "knock", "ban"); }},
    {"v12 5.7.4",
     "knocks-otherwise-twin",
     "the user has left",
     allowed("v12 5.7.3"),
     [](Scene& s) { knock(s, "knock", "leave"); }},
    {"v12 5.7.4",
     "knocks-when-invited",
     "the user is invited",
     refused("v12 5.7.4"),
     [](Scene& s) { knock(s, "knock", "invite"); }},
};

}  // namespace

std::vector<CaseRow> member_case_rows() {
    return join_tables({kMemberRows, kJoinRows, kLeaveRows, kBanRows, kKnockRows});
}

}  // namespace matrix::testing
