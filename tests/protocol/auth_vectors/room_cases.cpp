// Rules about creating a room, what an event cites, and events of all types.

#include "tests/protocol/auth_vectors/cases.h"

namespace matrix::testing {
namespace {

void send_message(Scene& s) {
    s.send(kUser, "m.room.message", std::nullopt, {});
}
void send_topic(Scene& s) {
    s.send(kMod, "m.room.topic", "", {});
}
void send_aliases(Scene& s) {
    s.send(kStranger, "m.room.aliases", "b", {{"aliases", json::Array{"#here:b"}}});
}
// With an invite level of 10.
void send_token(Scene& s, std::string_view sender) {
    s.set_levels({{"invite", 10}});
    s.send(sender, "m.room.third_party_invite", "token", {});
}
void send_redaction(Scene& s, std::string_view sender, std::string_view redacts) {
    s.send(sender, "m.room.redaction", std::nullopt, {});
    s.event().set("redacts", redacts);
}

// An entry of the state with something else in its content.
json::Object variant_of(const json::Object& event) {
    json::Object variant = event;
    variant.find("content")->if_object()->set("displayname", "other");
    return variant;
}

const CaseRow kCreateRows[] = {
    {"v12 1.1",
     "create-first",
     "nothing precedes the create event",
     allowed("v12 1.5"),
     [](Scene& s) { s.send_create({}); }},
    {"v12 1.1",
     "create-after-another-event",
     "a create event has prev_events",
     refused("v12 1.1"),
     [](Scene& s) {
         s.send_create({});
         s.event().set("prev_events", json::Array{"$before"});
     }},
    {"v11 1.2",
     "create-in-own-domain",
     "the room id has the domain of the sender",
     allowed("v12 1.5"),
     [](Scene& s) {
         s.send_create({});
         s.event().set("room_id", "!room:a");
     }},
    {"v11 1.2",
     "create-in-other-domain",
     "the room id has another domain than the sender",
     refused("v11 1.2"),
     [](Scene& s) {
         s.send_create({});
         s.event().set("room_id", "!room:b");
     }},
    {"v11 1.2",
     "create-with-other-port",
     "a port is part of the domain",
     refused("v11 1.2"),
     [](Scene& s) {
         s.send_create({});
         s.event().set("room_id", "!room:a:8448");
     }},
    {"v12 1.2",
     "create-without-room-id",
     "the room id follows from the create event",
     allowed("v12 1.5"),
     [](Scene& s) { s.send_create({}); }},
    {"v12 1.2",
     "create-with-room-id",
     "a create event has a room_id",
     refused("v12 1.2"),
     [](Scene& s) {
         s.send_create({});
         s.event().set("room_id", "!event");
     }},
    {"v12 1.2",
     "create-with-empty-room-id",
     "an empty room_id is one, too",
     refused("v12 1.2"),
     [](Scene& s) {
         s.send_create({});
         s.event().set("room_id", "");
     }},
    {"v12 1.3",
     "create-of-known-version",
     "the room version is recognised",
     allowed("v12 1.5"),
     [](Scene& s) { s.send_create({{"room_version", s.rules().version}}); }},
    {"v12 1.3",
     "create-of-unknown-version",
     "the room version is not recognised",
     refused("v12 1.3"),
     [](Scene& s) { s.send_create({{"room_version", "0"}}); }},
    {"v12 1.3",
     "create-of-numeric-version",
     "a room version is a string",
     refused("v12 1.3"),
     [](Scene& s) { s.send_create({{"room_version", 1}}); }},
    {"v10 1.4",
     "create-with-creator",
     "the creator is named",
     allowed("v12 1.5"),
     [](Scene& s) { s.send_create({{"creator", kCreator}}); }},
    {"v10 1.4",
     "create-without-creator",
     "the creator is not named",
     refused("v10 1.4"),
     [](Scene& s) {
         s.send_create({});
         s.event().find("content")->if_object()->erase("creator");
     }},
    {"v10 1.4",
     "create-with-other-creator",
     "the creator need not be the sender",
     allowed("v12 1.5"),
     [](Scene& s) { s.send_create({{"creator", kUser}}); }},
    {"v12 1.4",
     "create-with-additional-creators",
     "additional creators are user ids; any of them may be there twice",
     allowed("v12 1.5"),
     [](Scene& s) {
         s.send_create({{"additional_creators", json::Array{kMod, kUser, kMod, kCreator}}});
     }},
    {"v12 1.4",
     "create-with-invalid-additional-creator",
     "an additional creator is no user id",
     refused("v12 1.4"),
     [](Scene& s) { s.send_create({{"additional_creators", json::Array{kMod, "user"}}}); }},
    {"v12 1.4",
     "create-with-one-additional-creator",
     "additional_creators is no array",
     refused("v12 1.4"),
     [](Scene& s) { s.send_create({{"additional_creators", kMod}}); }},
    {"v12 1.4",
     "create-with-null-as-additional-creators",
     "null is present, and no array",
     refused("v12 1.4"),
     [](Scene& s) { s.send_create({{"additional_creators", nullptr}}); }},
    {"v12 1.5",
     "create-otherwise",
     "nothing refuses the create event",
     allowed("v12 1.5"),
     [](Scene& s) { s.send_create({{"m.federate", false}, {"x", 1}}); }},
    {"v12 1.5",
     "create-otherwise-twin",
     "something refuses the create event",
     refused("v12 1.1"),
     [](Scene& s) {
         s.send_create({{"m.federate", false}, {"x", 1}});
         s.event().set("prev_events", json::Array{"$before"});
     }},
    {"v12 1.5",
     "create-with-state-key",
     "the rules do not look at the state_key",
     allowed("v12 1.5"),
     [](Scene& s) {
         s.send_create({});
         s.event().set("state_key", "x");
     }},
};

const CaseRow kCitedRows[] = {
    {"v12 2",
     "room-id-of-create-event",
     "the room id is that of the create event",
     allowed("v12 11"),
     send_message},
    {"v12 2",
     "room-id-of-nothing",
     "the room id is of no create event",
     refused("v12 2"),
     [](Scene& s) {
         send_message(s);
         s.event().set("room_id", "!other");
     }},
    {"v12 2",
     "room-id-of-another-event",
     "the room id is of an event that creates nothing",
     refused("v12 2"),
     [](Scene& s) {
         send_message(s);
         s.event().set("room_id", "!user-join");
     }},
    {"v12 2",
     "room-id-of-rejected-create-event",
     "the create event was rejected",
     refused("v12 2"),
     [](Scene& s) {
         send_message(s);
         s.reject("m.room.create", "");
     }},
    {"v12 3.1",
     "cites-each-key-once",
     "each type and state_key is cited once",
     allowed("v12 11"),
     send_message},
    {"v12 3.1",
     "cites-two-events-of-one-key",
     "two cited events have the same type and state_key",
     refused("v12 3.1"),
     [](Scene& s) {
         send_message(s);
         s.cite(variant_of(s.find("m.room.member", kUser)));
     }},
    {"v12 3.1",
     "cites-one-event-twice",
     "an event is cited twice",
     refused("v12 3.1"),
     [](Scene& s) {
         send_message(s);
         s.cite(s.find("m.room.member", kUser));
     }},
    {"v12 3.2",
     "cites-what-is-selected",
     "only selected events are cited",
     allowed("v12 11"),
     [](Scene& s) {
         s.set("m.room.topic", "", kMod, {});
         send_message(s);
     }},
    {"v12 3.2",
     "cites-topic",
     "a cited event is not selected",
     refused("v12 3.2"),
     [](Scene& s) {
         s.set("m.room.topic", "", kMod, {});
         send_message(s);
         s.cite(s.find("m.room.topic", ""));
     }},
    {"v12 3.2",
     "cites-membership-of-another-user",
     "the membership of another user is not selected for a message",
     refused("v12 3.2"),
     [](Scene& s) {
         send_message(s);
         s.cite(s.find("m.room.member", kMod));
     }},
    {"v12 3.2",
     "cites-join-rules-for-message",
     "join rules are selected for memberships only",
     refused("v12 3.2"),
     [](Scene& s) {
         send_message(s);
         s.cite(s.find("m.room.join_rules", ""));
     }},
    {"v12 3.2",
     "cites-power-levels-with-state-key",
     "power levels with a state_key are not those of the room",
     refused("v12 3.2"),
     [](Scene& s) {
         send_message(s);
         json::Object other = s.find("m.room.power_levels", "");
         other.set("state_key", "x");
         s.cite(other);
     }},
    {"v12 3.2",
     "cites-create-event",
     "from v12 on the room id implies the create event, which is not cited",
     refused("v12 3.2"),
     [](Scene& s) {
         send_message(s);
         s.cite(s.find("m.room.create", ""));
     },
     12},
    {"v12 3.3",
     "cites-accepted-events",
     "all cited events were accepted",
     allowed("v12 11"),
     send_message},
    {"v12 3.3",
     "cites-rejected-event",
     "a cited event was rejected",
     refused("v12 3.3"),
     [](Scene& s) {
         send_message(s);
         s.reject("m.room.member", kUser);
     }},
    {"v11 2.4", "cites-create", "the create event is cited", allowed("v12 11"), send_message},
    {"v11 2.4",
     "does-not-cite-create",
     "the create event is not cited",
     refused("v11 2.4"),
     [](Scene& s) {
         send_message(s);
         s.leave_out("m.room.create", "");
     }},
    {"v12 3.4",
     "cites-events-of-its-room",
     "all cited events are of the room of the event",
     allowed("v12 11"),
     send_message},
    {"v12 3.4",
     "cites-event-of-other-room",
     "a cited event is of another room",
     refused("v12 3.4"),
     [](Scene& s) {
         send_message(s);
         json::Object other = s.find("m.room.member", kUser);
         other.set("room_id",
                   s.rules().event_format == EventFormat::HashedRoomId ? "!other" : "!other:a");
         s.leave_out("m.room.member", kUser);
         s.cite(other);
     }},
};

const CaseRow kSenderRows[] = {
    {"v12 4",
     "speaks-from-creators-server",
     "the room is not federated, and the sender is of the server of the creator",
     allowed("v12 11"),
     [](Scene& s) {
         s.set_create({{"m.federate", false}});
         s.send(kMod, "m.room.message", std::nullopt, {});
     }},
    {"v12 4",
     "speaks-from-other-server",
     "the room is not federated, and the sender is of another server",
     refused("v12 4"),
     [](Scene& s) {
         s.set_create({{"m.federate", false}});
         send_message(s);
     }},
    {"v12 4",
     "speaks-in-federated-room",
     "the room is federated",
     allowed("v12 11"),
     [](Scene& s) {
         s.set_create({{"m.federate", true}});
         send_message(s);
     }},
    {"v12 4",
     "federate-is-a-string",
     "only `false` closes a room",
     allowed("v12 11"),
     [](Scene& s) {
         s.set_create({{"m.federate", "false"}});
         send_message(s);
     }},
    {"v12 4",
     "invites-from-creators-server",
     "the rule looks at the sender, not at whom they invite",
     allowed("v12 5.4.4"),
     [](Scene& s) {
         s.set_create({{"m.federate", false}});
         s.send_member(kMod, kStranger, "invite");
     }},
    {"v5 4.1",
     "aliases-with-state-key",
     "the aliases have a state_key",
     allowed("v5 4.3"),
     send_aliases},
    {"v5 4.1",
     "aliases-without-state-key",
     "the aliases have no state_key",
     refused("v5 4.1"),
     [](Scene& s) {
         send_aliases(s);
         s.event().erase("state_key");
     }},
    {"v5 4.2",
     "aliases-of-own-server",
     "the state_key is the domain of the sender",
     allowed("v5 4.3"),
     send_aliases},
    {"v5 4.2",
     "aliases-of-other-server",
     "the state_key is another domain",
     refused("v5 4.2"),
     [](Scene& s) {
         send_aliases(s);
         s.event().set("state_key", "a");
     }},
    {"v5 4.3",
     "aliases-otherwise",
     "servers say which aliases they have, whoever is a member",
     allowed("v5 4.3"),
     send_aliases},
    {"v5 4.3",
     "aliases-otherwise-twin",
     "the aliases are of another domain",
     refused("v5 4.2"),
     [](Scene& s) {
         send_aliases(s);
         s.event().set("state_key", "c");
     }},
    {"v12 6",
     "aliases-of-a-stranger",
     "from v6 on aliases are like any other state",
     refused("v12 6"),
     send_aliases,
     6},
    {"v12 6", "speaks-as-member", "the sender is in the room", allowed("v12 11"), send_message},
    {"v12 6",
     "speaks-as-stranger",
     "the sender is not in the room",
     refused("v12 6"),
     [](Scene& s) { s.send(kStranger, "m.room.message", std::nullopt, {}); }},
    {"v12 6",
     "speaks-when-invited",
     "an invited user is not in the room",
     refused("v12 6"),
     [](Scene& s) {
         s.set_member(kStranger, "invite");
         s.send(kStranger, "m.room.message", std::nullopt, {});
     }},
    {"v12 6",
     "speaks-after-leaving",
     "a user who has left is not in the room",
     refused("v12 6"),
     [](Scene& s) {
         s.set_member(kUser, "leave");
         send_message(s);
     }},
    {"v12 6",
     "speaks-without-citing-own-membership",
     "what is not cited does not authorize: by the cited events the sender is not in the room",
     refused("v12 6"),
     [](Scene& s) {
         send_message(s);
         s.leave_out("m.room.member", kUser);
     }},
    {"v12 7.1",
     "makes-token-with-invite-level",
     "the invite level is reached",
     allowed("v12 7.1"),
     [](Scene& s) { send_token(s, kMod); }},
    {"v12 7.1",
     "makes-token-below-invite-level",
     "the invite level is not reached",
     refused("v12 7.1"),
     [](Scene& s) { send_token(s, kUser); }},
    {"v12 7.1",
     "makes-token-below-state-default",
     "the invite level is enough, whatever other state needs",
     allowed("v12 7.1"),
     [](Scene& s) { s.send(kUser, "m.room.third_party_invite", "token", {}); }},
    {"v12 7.1",
     "makes-token-below-level-of-its-type",
     "the level of the type is not asked for",
     allowed("v12 7.1"),
     [](Scene& s) {
         s.set_levels({{"events", json::Object{{"m.room.third_party_invite", 100}}}});
         s.send(kUser, "m.room.third_party_invite", "token", {});
     }},
    {"v12 7.1",
     "makes-token-like-a-user-id",
     "a token may begin with @",
     allowed("v12 7.1"),
     [](Scene& s) { s.send(kUser, "m.room.third_party_invite", "@token", {}); }},
};

const CaseRow kLevelRows[] = {
    {"v12 8",
     "sets-topic-with-level",
     "the level for state is reached",
     allowed("v12 11"),
     send_topic},
    {"v12 8",
     "sets-topic-below-level",
     "the level for state is not reached",
     refused("v12 8"),
     [](Scene& s) { s.send(kUser, "m.room.topic", "", {}); }},
    {"v12 8",
     "speaks-below-events-default",
     "the level for messages is not reached",
     refused("v12 8"),
     [](Scene& s) {
         s.set_levels({{"events_default", 1}});
         send_message(s);
     }},
    {"v12 8",
     "speaks-with-users-default",
     "users that are not named have users_default",
     allowed("v12 11"),
     [](Scene& s) {
         s.set_levels({{"events_default", 1}, {"users_default", 1}});
         send_message(s);
     }},
    {"v12 8",
     "speaks-below-level-of-type",
     "the level of the type is above its default",
     refused("v12 8"),
     [](Scene& s) {
         s.set_levels({{"events", json::Object{{"m.room.message", 1}}}});
         send_message(s);
     }},
    {"v12 8",
     "sets-topic-with-level-of-type",
     "the level of the type is below its default",
     allowed("v12 11"),
     [](Scene& s) {
         s.set_levels({{"events", json::Object{{"m.room.topic", 0}}}});
         s.send(kUser, "m.room.topic", "", {});
     }},
    {"v12 8",
     "sets-topic-without-levels",
     "without power levels state needs 50, which nobody but the creator has",
     refused("v12 8"),
     [](Scene& s) {
         s.clear("m.room.power_levels");
         send_topic(s);
     }},
    {"v12 8",
     "creator-sets-topic-without-levels",
     "without power levels the creator has 100, and from v12 on more than all",
     allowed("v12 11"),
     [](Scene& s) {
         s.clear("m.room.power_levels");
         s.send(kCreator, "m.room.topic", "", {});
     }},
    {"v12 8",
     "additional-creator-sets-topic",
     "an additional creator is above all levels",
     allowed("v12 11"),
     [](Scene& s) {
         s.set_create({{"additional_creators", json::Array{kUser}}});
         s.set_levels({{"state_default", json::kIntegerMax}});
         s.send(kUser, "m.room.topic", "", {});
     },
     12},
    {"v12 8",
     "additional-creator-is-unknown-before-v12",
     "there are no additional creators",
     refused("v12 8"),
     [](Scene& s) {
         s.set_create({{"additional_creators", json::Array{kUser}}});
         s.send(kUser, "m.room.topic", "", {});
     },
     1,
     11},
    {"v12 9",
     "writes-under-own-name",
     "a state_key that begins with @ is the sender",
     allowed("v12 11"),
     [](Scene& s) { s.send(kMod, "org.status", kMod, {}); }},
    {"v12 9",
     "writes-under-other-name",
     "a state_key that begins with @ is not the sender",
     refused("v12 9"),
     [](Scene& s) { s.send(kMod, "org.status", kUser, {}); }},
    {"v12 9",
     "writes-under-other-name-as-creator",
     "not even the creator writes under another's name",
     refused("v12 9"),
     [](Scene& s) { s.send(kCreator, "org.status", kMod, {}); }},
    {"v12 11",
     "says-otherwise",
     "nothing refuses the message",
     allowed("v12 11"),
     [](Scene& s) { s.send(kUser, "org.unknown", std::nullopt, {{"x", 1}}); }},
    {"v12 11",
     "says-otherwise-twin",
     "the sender is not in the room",
     refused("v12 6"),
     [](Scene& s) { s.send(kStranger, "org.unknown", std::nullopt, {{"x", 1}}); }},
    {"v12 11",
     "authorizer-in-a-topic",
     "join_authorised_via_users_server means something in memberships only",
     allowed("v12 11"),
     [](Scene& s) {
         s.send(kMod, "m.room.topic", "", {{"join_authorised_via_users_server", "nobody"}});
     }},
    {"v12 11",
     "redacts-the-event-of-another-server",
     "from v3 on redactions are judged when they are applied",
     allowed("v12 11"),
     [](Scene& s) {
         s.send(kUser, "m.room.redaction", std::nullopt, {{"redacts", "$message"}});
         s.event().set("redacts", "$message");
     },
     3},
    {"v2 11.1",
     "redacts-with-redact-level",
     "the redact level is reached",
     allowed("v2 11.1"),
     [](Scene& s) { send_redaction(s, kMod, "$message:b"); }},
    {"v2 11.1",
     "redacts-below-redact-level",
     "the redact level is not reached",
     refused("v2 11.3"),
     [](Scene& s) {
         s.set_levels({{"redact", 51}});
         send_redaction(s, kMod, "$message:b");
     }},
    {"v2 11.2",
     "redacts-event-of-own-server",
     "the ids of both events have the same domain",
     allowed("v2 11.2"),
     [](Scene& s) { send_redaction(s, kUser, "$message:b"); }},
    {"v2 11.2",
     "redacts-event-of-other-server",
     "the ids have different domains",
     refused("v2 11.3"),
     [](Scene& s) { send_redaction(s, kUser, "$message:a"); }},
    {"v2 11.2",
     "redacts-with-id-of-other-server",
     "the rule looks at the domain of the redaction's id, not at its sender",
     allowed("v2 11.2"),
     [](Scene& s) {
         send_redaction(s, kUser, "$message:c");
         s.event().set("event_id", "$event:c");
     }},
    {"v2 11.3",
     "redacts-otherwise",
     "the sender has neither the level nor the server",
     refused("v2 11.3"),
     [](Scene& s) { send_redaction(s, kUser, "$message:c"); }},
    {"v2 11.3",
     "redacts-otherwise-twin",
     "the sender has the level",
     allowed("v2 11.1"),
     [](Scene& s) { send_redaction(s, kMod, "$message:c"); }},
};

}  // namespace

std::vector<CaseRow> room_case_rows() {
    return join_tables({kCreateRows, kCitedRows, kSenderRows, kLevelRows});
}

}  // namespace matrix::testing
