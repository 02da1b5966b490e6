// What implementations of Matrix encode differently: each known difference, and what we do.
//
// Numbers name the entries of the catalogue of differences, E1 to E33. More of them are in the
// vectors (canonical_json, redaction, event_format, event_signatures) and the properties; E33, to
// sign no other event than was asked for, is RemoteRoomsTest.SignsNoOtherEventThanItAskedFor.

#include <gtest/gtest.h>

#include "refserver/protocol/base64.h"
#include "refserver/protocol/event_hash.h"
#include "refserver/protocol/redaction.h"
#include "refserver/protocol/server_keys.h"
#include "refserver/protocol/signatures.h"

namespace matrix {
namespace {

constexpr const char* kRefused = "refused";

std::string canonical(std::string_view text, json::Numbers numbers) {
    const auto parsed = json::parse(text, numbers);
    return parsed ? json::write(*parsed) : kRefused;
}

struct JsonRow {
    std::string_view text;
    std::string strict;   // Versions 6 and later.
    std::string lenient;  // Versions 1 to 5.
};

void check(const JsonRow& row) {
    EXPECT_EQ(canonical(row.text, json::Numbers::Canonical), row.strict) << row.text;
    EXPECT_EQ(canonical(row.text, json::Numbers::Any), row.lenient) << row.text;
}

TEST(EncodingDifferences, NumbersThatAreNoCanonicalIntegers) {
    const JsonRow rows[] = {
        // E1: the specification's example, which its grammar does not have.
        {"1E10", kRefused, "10000000000"},
        {"1e10", kRefused, "10000000000"},
        // E2
        {"-0", kRefused, "0"},
        {"-0.0", kRefused, "-0.0"},
        {"0.0", kRefused, "0.0"},
        {"0e1", kRefused, "0"},
        // E3
        {"1E5", kRefused, "100000"},
        // E4
        {"-0.5", kRefused, "-0.5"},
        // E10: never rounded.
        {"9007199254740991", "9007199254740991", "9007199254740991"},
        {"9007199254740993", kRefused, "9007199254740993"},
        {"-123456789012345678901234567890", kRefused, "-123456789012345678901234567890"},
        // E11
        {"NaN", kRefused, kRefused},
        {"Infinity", kRefused, kRefused},
        {"-Infinity", kRefused, kRefused},
    };
    for (const JsonRow& row : rows)
        check(row);
}

TEST(EncodingDifferences, StringsAndKeys) {
    const JsonRow rows[] = {
        // E5
        {R"({"\u0022\u005c\u000a":1})", R"({"\"\\\n":1})", R"({"\"\\\n":1})"},
        // E6
        {R"({"a":1,"\u0061":1})", kRefused, kRefused},
        // E7
        {R"(["\ud800"])", kRefused, kRefused},
        {R"({"\udc00":1})", kRefused, kRefused},
        // E8: by code point, not by UTF-16 unit.
        {R"({"\ud83d\ude00":1,"\uff5e":2})",
         "{\"\uff5e\":2,\"\U0001F600\":1}",
         "{\"\uff5e\":2,\"\U0001F600\":1}"},
        // E9
        {R"(["\u001F\u007f\u2028\/"])", "[\"\\u001f\x7f\u2028/\"]", "[\"\\u001f\x7f\u2028/\"]"},
    };
    for (const JsonRow& row : rows)
        check(row);
}

json::Object some_pdu(const RoomRules& rules, json::Object content = {}) {
    const bool has_own_id = rules.event_format == EventFormat::IdsAndHashes;
    const EventTemplate event = {
        .room_id =
            RoomId(rules.event_format == EventFormat::HashedRoomId ? "!" + std::string(43, 'A')
                                                                   : "!r:a.example"),
        .sender = UserId("@alice:a.example"),
        .type = "m.room.power_levels",
        .state_key = "",
        .content = std::move(content),
        .depth = 7,
        .origin_server_ts = 1000,
    };
    json::Object pdu =
        make_pdu(event, rules, has_own_id ? std::optional(EventId("$e:a.example")) : std::nullopt);
    pdu.set("signatures", json::Object());
    add_content_hash(pdu);
    return pdu;
}

bool is_event(const json::Object& pdu, const RoomRules& rules) {
    return parse_event(pdu, rules).has_value();
}

// E12: a limit of ours, below that of all known parsers.
TEST(EncodingDifferences, NestingIsLimitedTo100InEveryVersion) {
    for (const RoomRules& rules : all_room_rules()) {
        json::Value nested = json::Object();
        for (std::size_t depth = 2; depth < kEventNestingMax; ++depth)
            nested = json::Object{{"x", nested}};
        json::Object pdu = some_pdu(rules);
        pdu.set("unknown", nested);
        EXPECT_TRUE(is_event(pdu, rules)) << rules.version;
        pdu.set("unknown", json::Object{{"x", nested}});
        EXPECT_FALSE(is_event(pdu, rules)) << rules.version;
    }
}

// E13
TEST(EncodingDifferences, DepthsEndAt63BitsUpToVersion5AndAt53Later) {
    for (const RoomRules& rules : all_room_rules()) {
        json::Object pdu = some_pdu(rules);
        pdu.set("depth", json::kIntegerMax);
        EXPECT_TRUE(is_event(pdu, rules)) << rules.version;
        for (const char* depth : {"9007199254741000", "9223372036854775807"}) {
            pdu.set("depth", json::OtherNumber{depth});
            EXPECT_EQ(is_event(pdu, rules), !rules.is_canonical_json_enforced) << rules.version;
        }
        pdu.set("depth", json::OtherNumber{"9223372036854775808"});
        EXPECT_FALSE(is_event(pdu, rules)) << rules.version;
    }
}

// E14
TEST(EncodingDifferences, RedactionDoesNotRoundNumbers) {
    for (const RoomRules& rules : all_room_rules()) {
        const auto hash_with = [&](const char* level) {
            return reference_hash(some_pdu(rules, {{"ban", json::OtherNumber{level}}}), rules);
        };
        EXPECT_NE(hash_with("9007199254740993"), hash_with("9007199254740992")) << rules.version;
        EXPECT_NE(hash_with("50.0"), hash_with("50.00")) << rules.version;
    }
}

// E15
TEST(EncodingDifferences, KeysOfAnotherCaseAreOtherKeys) {
    for (const RoomRules& rules : all_room_rules()) {
        json::Object pdu = some_pdu(rules, {{"Ban", 1}, {"ban", 2}});
        for (const char* key : {"Type", "Content", "Membership", "Sender"})
            pdu.set(key, 1);
        EXPECT_TRUE(is_event(pdu, rules)) << rules.version;
        const json::Object redacted = redact(pdu, rules);
        EXPECT_FALSE(redacted.contains("Type")) << rules.version;
        EXPECT_EQ(*redacted.find("content"), json::Value(json::Object{{"ban", 2}}));
        pdu.erase("type");
        EXPECT_FALSE(is_event(pdu, rules)) << rules.version;
    }
}

// E16 and E17
TEST(EncodingDifferences, RedactionKeepsWhatIsSignedOfAThirdPartyInviteFromVersion11On) {
    for (const RoomRules& rules : all_room_rules()) {
        const auto left_of = [&](const json::Value& invite) {
            return json::write(*redact({{"type", "m.room.member"},
                                        {"content", json::Object{{"third_party_invite", invite}}}},
                                       rules)
                                    .find("content"));
        };
        const bool keeps = rules.redaction.keeps_signed_third_party_invite;
        const json::Object invite = {{"signed", json::Object{{"x", 1}}}, {"display_name", "d"}};
        EXPECT_EQ(left_of(invite), keeps ? R"({"third_party_invite":{"signed":{"x":1}}})" : "{}");
        EXPECT_EQ(left_of(json::Object{{"display_name", "d"}}),
                  keeps ? R"({"third_party_invite":{}})" : "{}");
        EXPECT_EQ(left_of("text"), "{}");
        EXPECT_EQ(left_of(nullptr), "{}");
    }
}

// E18
TEST(EncodingDifferences, ARoomIdInACreateEventOfVersion12IsRefused) {
    const RoomRules& rules = *find_room_rules("12");
    json::Object pdu = some_pdu(rules);
    pdu.set("type", "m.room.create");
    EXPECT_EQ(parse_event(pdu, rules).error().field, "room_id");
    pdu.erase("room_id");
    EXPECT_TRUE(is_event(pdu, rules));
}

// E19, E20, E21 and E30
TEST(EncodingDifferences, UnknownKeysAreHashedAndUnsignedIsNot) {
    for (const RoomRules& rules : all_room_rules()) {
        for (const char* key : {"age_ts", "outlier", "destinations", "_private", "unknown"}) {
            json::Object pdu = some_pdu(rules);
            const EventId id = parse_event(pdu, rules)->id;
            pdu.set(key, 1);
            EXPECT_FALSE(has_valid_content_hash(pdu)) << key << ' ' << rules.version;
            // No protected key: the id stays until somebody hashes the content again.
            EXPECT_EQ(parse_event(pdu, rules)->id, id) << key << ' ' << rules.version;
        }
        json::Object pdu = some_pdu(rules);
        const Event event = parse_event(pdu, rules).value();
        pdu.set("unsigned", json::Object{{"age_ts", json::OtherNumber{"1.5"}}});
        EXPECT_TRUE(has_valid_content_hash(pdu)) << rules.version;
        EXPECT_EQ(parse_event(pdu, rules).value(), event) << rules.version;
        if (rules.event_format == EventFormat::IdsAndHashes) continue;
        pdu.set("event_id", "$e:a.example");
        EXPECT_NE(parse_event(pdu, rules)->id, event.id) << rules.version;
    }
}

// E22 and E23
TEST(EncodingDifferences, ProtectedKeysEndAndBeginWithTheirVersions) {
    struct Row {
        std::string_view type;
        std::string_view key;
        int first;
        int last;
    };
    const Row rows[] = {
        {"m.room.aliases", "aliases", 1, 5},
        {"m.room.join_rules", "allow", 8, 12},
        {"m.room.member", "join_authorised_via_users_server", 9, 12},
        {"m.room.power_levels", "invite", 11, 12},
        {"m.room.redaction", "redacts", 11, 12},
        {"m.room.create", "creator", 1, 12},
        {"m.room.create", "m.federate", 11, 12},
        {"m.room.power_levels", "notifications", 1, 0},
        {"m.room.third_party_invite", "public_key", 1, 0},
    };
    for (const RoomRules& rules : all_room_rules()) {
        const int version = std::stoi(std::string(rules.version));
        for (const Row& row : rows) {
            const json::Object redacted = redact(
                {{"type", row.type}, {"content", json::Object{{std::string(row.key), 1}}}}, rules);
            EXPECT_EQ(redacted.find("content")->if_object()->contains(row.key),
                      version >= row.first && version <= row.last)
                << row.type << ' ' << row.key << ' ' << version;
        }
        for (const char* key : {"origin", "membership", "prev_state"}) {
            json::Object pdu = some_pdu(rules);
            pdu.set(key, 1);
            EXPECT_EQ(redact(pdu, rules).contains(key), version <= 10) << key << ' ' << version;
        }
    }
}

// E24
TEST(EncodingDifferences, AThirdPartysInviteNeedsNoSignatureOfTheSender) {
    for (const RoomRules& rules : all_room_rules()) {
        json::Object pdu =
            some_pdu(rules, {{"membership", "invite"}, {"third_party_invite", json::Object()}});
        pdu.set("type", "m.room.member");
        pdu.set("state_key", "@bob:b.example");
        const auto signers = required_signers(parse_event(pdu, rules).value());
        const bool has_own_id = rules.event_format == EventFormat::IdsAndHashes;
        EXPECT_EQ(signers.size(), has_own_id ? 1U : 0U) << rules.version;
    }
}

// E27: ids are compared as texts, whose order is not that of the digests.
TEST(EncodingDifferences, EventIdsHaveTheAlphabetOfTheirVersionAndTheOrderOfTexts) {
    const std::string low(32, '\x00');
    const std::string high(32, '\xf8');
    EXPECT_LT(low, high);
    EXPECT_LT(EventId("$" + encode_base64(high)), EventId("$" + encode_base64(low)));  // "+" < "A"
    EXPECT_LT(EventId("$" + encode_base64_url(high)), EventId("$" + encode_base64_url(low)));
    EXPECT_FALSE(parse_event_id("$" + encode_base64(high), *find_room_rules("4")));
    EXPECT_FALSE(parse_event_id("$" + encode_base64_url(high), *find_room_rules("3")));
}

// E28
TEST(EncodingDifferences, LimitsCountBytesInEveryVersion) {
    for (const RoomRules& rules : all_room_rules()) {
        for (const char* key : {"type", "state_key"}) {
            json::Object pdu = some_pdu(rules);
            pdu.set(key, "é" + std::string(253, 'a'));
            EXPECT_TRUE(is_event(pdu, rules)) << key << ' ' << rules.version;
            pdu.set(key, "é" + std::string(254, 'a'));
            EXPECT_FALSE(is_event(pdu, rules)) << key << ' ' << rules.version;
        }
    }
}

// E29
TEST(EncodingDifferences, Base64MayBePaddedAndMayNotHoldSpace) {
    EXPECT_EQ(decode_base64("Zg=="), "f");
    EXPECT_EQ(decode_base64("Zh"), "f");  // Unused bits.
    EXPECT_EQ(decode_base64("Zg="), std::nullopt);
    EXPECT_EQ(decode_base64("Z g"), std::nullopt);
    EXPECT_EQ(decode_base64("Zg\n"), std::nullopt);
    // An id that is a hash has one spelling only.
    EXPECT_FALSE(parse_event_id("$" + std::string(42, 'A') + "B", *find_room_rules("4")));
}

// E31
TEST(EncodingDifferences, AWrongHashRedactsAndDoesNotRefuse) {
    for (const RoomRules& rules : all_room_rules()) {
        json::Object pdu = some_pdu(rules, {{"ban", 1}, {"reason", "true"}});
        const EventId id = parse_event(pdu, rules)->id;
        pdu.find("content")->if_object()->set("reason", "forged");
        ASSERT_FALSE(has_valid_content_hash(pdu));
        const auto redacted = parse_event(redact(pdu, rules), rules);
        ASSERT_TRUE(redacted) << rules.version;
        EXPECT_EQ(redacted->id, id) << rules.version;
        EXPECT_EQ(redacted->parse_content(), (json::Object{{"ban", 1}})) << rules.version;
    }
}

// E32
TEST(EncodingDifferences, ServerNamesAreComparedAsBytes) {
    EXPECT_NE(UserId("@a:A.example").server(), UserId("@a:a.example").server());
    EXPECT_NE(UserId("@a:a.example:8448").server(), UserId("@a:a.example").server());
    EXPECT_NE(UserId("@a:[::1]").server(), UserId("@a:[0:0::1]").server());
    EXPECT_EQ(UserId("@a:[::1]:8448").server(), ServerName("[::1]:8448"));
}

}  // namespace
}  // namespace matrix
