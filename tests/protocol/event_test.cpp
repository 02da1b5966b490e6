// PDUs: which are events, of which room versions, and what is read from them.
//
// Spec: https://spec.matrix.org/v1.19/rooms/ and the limits of
//       https://spec.matrix.org/v1.19/client-server-api/#size-limits

#include "refserver/protocol/event.h"

#include <functional>
#include <sstream>

#include <gtest/gtest.h>

#include "refserver/protocol/event_hash.h"
#include "refserver/protocol/redaction.h"

namespace matrix {
namespace {

const std::string kSomeHash(43, 'A');

// The smallest event of a room version that is no create event.
json::Object minimal_pdu(const RoomRules& rules) {
    const EventTemplate event = {
        .room_id = RoomId(rules.event_format == EventFormat::HashedRoomId ? "!" + kSomeHash
                                                                          : "!r:a.example"),
        .sender = UserId("@alice:a.example"),
        .type = "m.room.message",
        .depth = 7,
        .origin_server_ts = 1000,
    };
    const bool has_own_id = rules.event_format == EventFormat::IdsAndHashes;
    json::Object pdu =
        make_pdu(event, rules, has_own_id ? std::optional(EventId("$e:a.example")) : std::nullopt);
    pdu.set("signatures", json::Object());
    add_content_hash(pdu);
    return pdu;
}

json::Value reference(const RoomRules& rules, int number) {
    if (rules.event_format == EventFormat::IdsAndHashes) {
        return json::Array{"$" + std::to_string(number) + ":a.example", json::Object()};
    }
    std::string hash = std::to_string(number);
    hash.insert(0, 42 - hash.size(), 'x');
    return "$" + hash + "A";
}

// The field that the parser objects to; "ok" if it takes the event.
std::string refused_field(const json::Object& pdu, const RoomRules& rules) {
    const auto event = parse_event(pdu, rules);
    if (event) return "ok";
    return event.error().field.empty() ? "whole" : event.error().field;
}

TEST(ParseEvent, TakesTheSmallestEventOfEveryVersion) {
    for (const RoomRules& rules : all_room_rules()) {
        const auto event = parse_event(minimal_pdu(rules), rules);
        ASSERT_TRUE(event) << rules.version << ' ' << event.error();
        EXPECT_EQ(event->type, "m.room.message");
        EXPECT_EQ(event->sender, UserId("@alice:a.example"));
        EXPECT_EQ(event->depth, 7);
        EXPECT_EQ(event->origin_server_ts, 1000);
        EXPECT_FALSE(event->is_state());
        EXPECT_EQ(event->rules, &rules);
        EXPECT_EQ(event->text, json::write(event->parse_text()));
    }
}

struct FieldRow {
    std::string_view key;
    json::Value value;
    std::string_view expected;  // The refused field, or "ok".
};

TEST(ParseEvent, NamesTheFieldThatBreaksTheFormatOfEveryVersion) {
    const std::string long_text(256, 'a');
    const std::string longest_text(255, 'a');
    const std::string longest_user = "@" + std::string(244, 'a') + ":a.example";
    const FieldRow rows[] = {
        {"type", 5, "type"},
        {"type", long_text, "type"},
        {"type", longest_text, "ok"},
        {"type", "", "ok"},
        {"type", "é" + std::string(253, 'a'), "ok"},
        {"type", "é" + std::string(254, 'a'), "type"},
        {"sender", nullptr, "sender"},
        {"sender", "alice", "sender"},
        {"sender", "@alice", "sender"},
        {"sender", longest_user, "ok"},
        {"sender", "@a" + longest_user.substr(1), "sender"},
        {"sender", "@:a.example", "ok"},
        {"state_key", nullptr, "state_key"},
        {"state_key", long_text, "state_key"},
        {"state_key", longest_text, "ok"},
        {"room_id", 1, "room_id"},
        {"room_id", "room", "room_id"},
        {"room_id", "!" + kSomeHash + "A", "room_id"},
        {"content", json::Array(), "content"},
        {"depth", "1", "depth"},
        {"depth", -1, "depth"},
        {"depth", 0, "ok"},
        {"depth", json::kIntegerMax, "ok"},
        {"depth", json::OtherNumber{"1.0"}, "depth"},
        {"depth", json::OtherNumber{"9223372036854775808"}, "depth"},
        {"origin_server_ts", "now", "origin_server_ts"},
        {"origin_server_ts", -1, "ok"},
        {"prev_events", json::Object(), "prev_events"},
        {"prev_events", json::Array{1}, "prev_events"},
        {"prev_events", json::Array{"$"}, "prev_events"},
        {"auth_events", nullptr, "auth_events"},
        {"auth_events", json::Array{json::Value(json::Array())}, "auth_events"},
        {"hashes", "x", "hashes"},
        {"hashes", json::Object(), "hashes"},
        {"hashes", json::Object{{"sha256", 1}}, "hashes"},
        {"hashes", json::Object{{"sha256", "no hash"}}, "ok"},
        {"signatures", json::Array(), "signatures"},
        {"signatures", json::Object{{"a.example", 1}}, "signatures"},
        {"signatures", json::Object{{"a", json::Object{{"k", 1}}}}, "signatures"},
        {"signatures", json::Object{{"a", json::Object{{"k", "?"}}}}, "ok"},
        {"unsigned", "dropped", "ok"},
        {"unsigned", json::OtherNumber{"1.5"}, "ok"},
        {"unknown", json::Array{1}, "ok"},
    };
    for (const RoomRules& rules : all_room_rules()) {
        for (const FieldRow& row : rows) {
            json::Object pdu = minimal_pdu(rules);
            pdu.set(row.key, row.value);
            EXPECT_EQ(refused_field(pdu, rules), row.expected)
                << row.key << ": " << row.value << " in " << rules.version;
        }
    }
}

TEST(ParseEvent, NeedsEveryRequiredField) {
    for (const RoomRules& rules : all_room_rules()) {
        for (const std::string_view field : {"type",
                                             "sender",
                                             "room_id",
                                             "content",
                                             "depth",
                                             "origin_server_ts",
                                             "prev_events",
                                             "auth_events",
                                             "hashes",
                                             "signatures"}) {
            json::Object pdu = minimal_pdu(rules);
            ASSERT_TRUE(pdu.erase(field));
            EXPECT_EQ(refused_field(pdu, rules), field) << rules.version;
        }
    }
}

TEST(ParseEvent, CountsReferences) {
    for (const RoomRules& rules : all_room_rules()) {
        for (const auto& [field, limit] :
             {std::pair("prev_events", kPrevEventsMax), std::pair("auth_events", kAuthEventsMax)}) {
            json::Object pdu = minimal_pdu(rules);
            json::Array references;
            for (std::size_t i = 0; i < limit; ++i) {
                references.push_back(reference(rules, static_cast<int>(i)));
            }
            pdu.set(field, references);
            const auto event = parse_event(pdu, rules);
            ASSERT_TRUE(event) << rules.version << ' ' << event.error();
            EXPECT_EQ(event->prev_events.size() + event->auth_events.size(), limit);
            references.push_back(reference(rules, static_cast<int>(limit)));
            pdu.set(field, references);
            EXPECT_EQ(refused_field(pdu, rules), field) << rules.version;
        }
    }
}

TEST(ParseEvent, TakesReferencesOfItsOwnVersionOnly) {
    const json::Value pair = json::Array{"$e:a.example", json::Object{{"sha256", "x"}}};
    const json::Value with_domain = "$e:a.example";
    const json::Value standard = "$" + std::string(42, '+') + "A";
    const json::Value url_safe = "$" + std::string(42, '-') + "A";
    for (const RoomRules& rules : all_room_rules()) {
        const auto is_taken = [&](const json::Value& entry) {
            json::Object pdu = minimal_pdu(rules);
            pdu.set("prev_events", json::Array{entry});
            return parse_event(pdu, rules).has_value();
        };
        EXPECT_EQ(is_taken(pair), rules.event_id_encoding == EventIdEncoding::Opaque);
        EXPECT_FALSE(is_taken(with_domain));
        EXPECT_EQ(is_taken(standard), rules.event_id_encoding == EventIdEncoding::StandardBase64);
        EXPECT_EQ(is_taken(url_safe), rules.event_id_encoding == EventIdEncoding::UrlSafeBase64);
    }
}

// P-E15: the whole event is measured in canonical JSON with signatures and without `unsigned`.
TEST(ParseEvent, MeasuresTheWholeEventWithItsSignatures) {
    for (const RoomRules& rules : all_room_rules()) {
        json::Object pdu = minimal_pdu(rules);
        pdu.set("unsigned", json::Object{{"x", std::string(100'000, 'x')}});
        pdu.set("signatures", json::Object{{"a.example", json::Object{{"ed25519:1", ""}}}});
        const std::size_t size = parse_event(pdu, rules)->text.size();
        const auto pad = [&](std::size_t bytes) {
            const std::string padding(bytes - size, 'x');
            pdu.set("signatures",
                    json::Object{{"a.example", json::Object{{"ed25519:1", padding}}}});
        };
        pad(kPduBytesMax);
        EXPECT_EQ(refused_field(pdu, rules), "ok") << rules.version;
        pad(kPduBytesMax + 1);
        EXPECT_EQ(refused_field(pdu, rules), "whole") << rules.version;
    }
}

TEST(ParseEvent, LimitsNesting) {
    for (const RoomRules& rules : all_room_rules()) {
        json::Object pdu = minimal_pdu(rules);
        json::Value nested = 1;
        for (std::size_t i = 0; i < kEventNestingMax - 2; ++i)
            nested = json::Array{nested};
        pdu.set("content", json::Object{{"x", nested}});
        EXPECT_EQ(refused_field(pdu, rules), "ok") << rules.version;
        pdu.set("content", json::Object{{"x", json::Array{nested}}});
        EXPECT_EQ(refused_field(pdu, rules), "whole") << rules.version;
    }
}

TEST(ParseEvent, EnforcesCanonicalNumbersFromVersion6On) {
    for (const RoomRules& rules : all_room_rules()) {
        for (const std::string_view number : {"1.5", "-0", "1e3", "9007199254740992"}) {
            json::Object pdu = minimal_pdu(rules);
            pdu.set("content",
                    json::Object{{"x", json::Array{json::OtherNumber{std::string(number)}}}});
            const std::string expected = rules.is_canonical_json_enforced ? "content" : "ok";
            EXPECT_EQ(refused_field(pdu, rules), expected) << rules.version;
            const auto from_text = parse_event(json::write(pdu), rules);
            EXPECT_EQ(from_text.has_value(), expected == "ok" || number == "-0" || number == "1e3");
        }
    }
}

TEST(ParseEvent, TakesDepthsOf64BitsUpToVersion5) {
    for (const RoomRules& rules : all_room_rules()) {
        json::Object pdu = minimal_pdu(rules);
        pdu.set("depth", json::OtherNumber{"9223372036854775807"});
        const auto event = parse_event(pdu, rules);
        EXPECT_EQ(event.has_value(), !rules.is_canonical_json_enforced) << rules.version;
        if (event) EXPECT_EQ(event->depth, INT64_MAX);
    }
}

TEST(ParseEvent, TakesTheIdOfVersions1And2FromTheEvent) {
    for (const char* version : {"1", "2"}) {
        const RoomRules& rules = *find_room_rules(version);
        json::Object pdu = minimal_pdu(rules);
        EXPECT_EQ(parse_event(pdu, rules)->id, EventId("$e:a.example"));
        for (const json::Value& wrong : {json::Value(1), json::Value("$" + kSomeHash)}) {
            pdu.set("event_id", wrong);
            EXPECT_EQ(refused_field(pdu, rules), "event_id") << wrong;
        }
        pdu.erase("event_id");
        EXPECT_EQ(refused_field(pdu, rules), "event_id");
        pdu.set("event_id", "$e:a.example");
        pdu.set("prev_events", json::Array{json::Value(json::Array{"$e:a.example", "no object"})});
        EXPECT_EQ(refused_field(pdu, rules), "prev_events");
    }
}

TEST(ParseEvent, SaysWhatItExpected) {
    const auto print = [](const EventError& error) {
        std::ostringstream out;
        out << error;
        return out.str();
    };
    const RoomRules& rules = *find_room_rules("12");
    EXPECT_EQ(print(parse_event("[]", rules).error()), "expected an object");
    EXPECT_EQ(print(parse_event("{", rules).error()), "expected JSON, with a key at byte 1");
    json::Object pdu = minimal_pdu(rules);
    pdu.erase("depth");
    EXPECT_EQ(print(parse_event(pdu, rules).error()),
              "depth: expected an integer, but it is missing");
    pdu.set("depth", "1");
    EXPECT_EQ(print(parse_event(pdu, rules).error()), "depth: expected an integer, not a string");
}

TEST(ParseEvent, RefusesBytesThatAreNoObject) {
    const RoomRules& rules = *find_room_rules("12");
    for (const std::string_view bytes : {"", "[]", "null", "{", "{}x", "{\"a\":1,\"a\":1}"}) {
        EXPECT_FALSE(parse_event(bytes, rules)) << bytes;
    }
}

// A create event of v12 names its room by its own hash.
TEST(ParseEvent, DerivesTheRoomIdOfACreateEventInVersion12) {
    const RoomRules& rules = *find_room_rules("12");
    json::Object pdu = minimal_pdu(rules);
    pdu.set("type", "m.room.create");
    pdu.set("state_key", "");
    EXPECT_EQ(refused_field(pdu, rules), "room_id");
    pdu.erase("room_id");
    const auto event = parse_event(pdu, rules);
    ASSERT_TRUE(event) << event.error();
    EXPECT_EQ(event->room_id.text().substr(1), event->id.text().substr(1));
    EXPECT_EQ(event->room_id.text().front(), '!');
    EXPECT_FALSE(event->parse_text().contains("room_id"));
    EXPECT_EQ(*client_form(*event).find("room_id")->if_string(), event->room_id.text());
}

TEST(ParseEvent, TakesRoomIdsWithAServerUpToVersion11) {
    for (const RoomRules& rules : all_room_rules()) {
        const bool has_hash = rules.event_format == EventFormat::HashedRoomId;
        json::Object pdu = minimal_pdu(rules);
        pdu.set("room_id", "!r:a.example");
        EXPECT_EQ(refused_field(pdu, rules), has_hash ? "room_id" : "ok") << rules.version;
        pdu.set("room_id", "!" + kSomeHash);
        EXPECT_EQ(refused_field(pdu, rules), has_hash ? "ok" : "room_id") << rules.version;
    }
}

TEST(ParseEvent, ReadsWhatIsRedactedFromThePlaceOfTheVersion) {
    for (const RoomRules& rules : all_room_rules()) {
        json::Object pdu = minimal_pdu(rules);
        pdu.set("type", "m.room.redaction");
        pdu.set("redacts", "$top");
        pdu.set("content", json::Object{{"redacts", "$content"}});
        const std::string expected = rules.has_redacts_in_content ? "$content" : "$top";
        EXPECT_EQ(parse_event(pdu, rules)->redacts, EventId(expected)) << rules.version;

        const std::string_view at_top = rules.has_redacts_in_content ? "ok" : "redacts";
        pdu.set("redacts", std::string(256, '$'));
        EXPECT_EQ(refused_field(pdu, rules), at_top) << rules.version;
        // A wrong type breaks the format at the top level, and nothing in the content.
        pdu.set("redacts", 1);
        pdu.set("content", json::Object{{"redacts", 1}});
        EXPECT_EQ(refused_field(pdu, rules), at_top) << rules.version;
    }
}

// UNSPECIFIED, decided: `event_id` of v3 and later is an unknown key like any other.
TEST(ParseEvent, HashesAnEventIdThatVersion3AndLaterDoNotHave) {
    for (const RoomRules& rules : all_room_rules()) {
        if (rules.event_format == EventFormat::IdsAndHashes) continue;
        json::Object pdu = minimal_pdu(rules);
        const EventId without = parse_event(pdu, rules)->id;
        pdu.set("event_id", "$other:a.example");
        const auto event = parse_event(pdu, rules);
        ASSERT_TRUE(event);
        EXPECT_NE(event->id, without);
        EXPECT_NE(event->id, EventId("$other:a.example"));
    }
}

TEST(MakePdu, WritesWhatIsParsedBack) {
    for (const RoomRules& rules : all_room_rules()) {
        const bool has_own_id = rules.event_format == EventFormat::IdsAndHashes;
        const EventId cited(has_own_id ? "$c:a.example" : "$" + kSomeHash);
        const EventTemplate event = {
            .room_id = RoomId(rules.event_format == EventFormat::HashedRoomId ? "!" + kSomeHash
                                                                              : "!r:a.example"),
            .sender = UserId("@alice:a.example"),
            .type = "m.room.redaction",
            .state_key = "key",
            .content = {{"reason", "spam"}},
            .prev_events = {cited},
            .auth_events = {cited},
            .depth = 3,
            .origin_server_ts = 4,
            .redacts = cited,
            .reference_hashes = {{cited, sha256("x")}},
        };
        const auto id = has_own_id ? std::optional(EventId("$e:a.example")) : std::nullopt;
        json::Object pdu = make_pdu(event, rules, id);
        pdu.set("signatures", json::Object());
        add_content_hash(pdu);
        const auto parsed = parse_event(pdu, rules);
        ASSERT_TRUE(parsed) << rules.version << ' ' << parsed.error();
        EXPECT_EQ(parsed->state_key, "key");
        EXPECT_EQ(parsed->prev_events, event.prev_events);
        EXPECT_EQ(parsed->auth_events, event.auth_events);
        EXPECT_EQ(parsed->redacts, cited);
        EXPECT_EQ(*parsed->parse_content().find("reason")->if_string(), "spam");
        EXPECT_EQ(pdu.contains("redacts"), !rules.has_redacts_in_content);
        if (has_own_id) EXPECT_EQ(parsed->id, *id);
    }
}

// Room version 11, "Moving the redacts property": clients find it in both places.
TEST(ClientForm, ShowsNothingOfTheDagAndRedactsTwice) {
    for (const RoomRules& rules : all_room_rules()) {
        json::Object pdu = minimal_pdu(rules);
        pdu.set("type", "m.room.redaction");
        pdu.set("redacts", "$x");
        pdu.set("content", json::Object{{"redacts", "$x"}});
        pdu.set("state_key", "");
        const auto event = parse_event(pdu, rules);
        ASSERT_TRUE(event);
        const json::Object expected = {
            {"content", json::Object{{"redacts", "$x"}}},
            {"event_id", event->id.text()},
            {"origin_server_ts", 1000},
            {"redacts", "$x"},
            {"room_id", event->room_id.text()},
            {"sender", "@alice:a.example"},
            {"state_key", ""},
            {"type", "m.room.redaction"},
        };
        EXPECT_EQ(json::write(client_form(*event)), json::write(expected)) << rules.version;
    }
}

TEST(Event, IsEqualIfIdAndTextAre) {
    const RoomRules& rules = *find_room_rules("1");
    json::Object pdu = minimal_pdu(rules);
    const Event event = parse_event(pdu, rules).value();
    pdu.set("event_id", "$other:a.example");
    EXPECT_NE(parse_event(pdu, rules).value(), event);
    pdu.set("event_id", "$e:a.example");
    EXPECT_EQ(parse_event(pdu, rules).value(), event);
    pdu.set("depth", 8);
    EXPECT_NE(parse_event(pdu, rules).value(), event);
}

// Whoever receives an event without a hash treats it like one with a wrong hash.
TEST(ContentHash, IsNotValidWhereThereIsNone) {
    for (const json::Value& hashes : {json::Value(1),
                                      json::Value(json::Object()),
                                      json::Value(json::Object{{"sha256", 1}}),
                                      json::Value(json::Object{{"sha256", "?"}}),
                                      json::Value(json::Object{{"sha256", "Zm8"}})}) {
        EXPECT_FALSE(has_valid_content_hash({{"type", "x"}, {"hashes", hashes}})) << hashes;
    }
    EXPECT_FALSE(has_valid_content_hash({{"type", "x"}}));
}

TEST(RedactEvent, KeepsTheIdAndDropsWhatIsNotProtected) {
    for (const RoomRules& rules : all_room_rules()) {
        json::Object pdu = minimal_pdu(rules);
        pdu.set("content", json::Object{{"body", "secret"}});
        const auto event = parse_event(pdu, rules);
        ASSERT_TRUE(event);
        const Event redacted = redact(*event);
        EXPECT_EQ(redacted.id, event->id);
        EXPECT_TRUE(redacted.parse_content().empty());
        EXPECT_EQ(parse_event(redacted.text, rules).value(), redacted);
    }
}

}  // namespace
}  // namespace matrix
