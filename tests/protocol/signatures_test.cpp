// Signatures, server keys and X-Matrix: what is no law of all values.

#include "refserver/protocol/signatures.h"

#include <array>
#include <sstream>

#include <gtest/gtest.h>

#include "refserver/protocol/base64.h"
#include "refserver/protocol/redaction.h"
#include "refserver/protocol/server_keys.h"
#include "refserver/protocol/x_matrix.h"

namespace matrix {
namespace {

std::unique_ptr<Signer> make_signer(std::string_view key_id, char seed) {
    return make_ed25519_signer(KeyId(key_id), std::string(32, seed));
}

// The group's order, little-endian: S and S + order would verify alike if S were not checked.
constexpr unsigned char kOrder[32] = {
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};

TEST(Ed25519, RefusesASecondSpellingOfAGoodSignature) {
    const auto signer = make_signer("ed25519:1", 's');
    std::string signature = signer->sign("message");
    ASSERT_TRUE(ed25519_verifier().is_valid(signer->public_key(), "message", signature));
    unsigned carry = 0;
    for (std::size_t i = 0; i < 32; ++i) {
        carry += static_cast<unsigned char>(signature[32 + i]) + kOrder[i];
        signature[32 + i] = static_cast<char>(carry & 0xFF);
        carry >>= 8;
    }
    EXPECT_FALSE(ed25519_verifier().is_valid(signer->public_key(), "message", signature));
}

TEST(Ed25519, RefusesKeysOfSmallOrder) {
    // With the identity as key and R, and S = 0, the equation holds for every message.
    const std::string identity = "\x01" + std::string(31, '\0');
    const std::string signature = identity + std::string(32, '\0');
    EXPECT_FALSE(ed25519_verifier().is_valid(identity, "message", signature));
    EXPECT_FALSE(ed25519_verifier().is_valid(std::string(32, '\0'), "message", signature));
}

TEST(Ed25519, RefusesKeysAndSignaturesOfAnotherLength) {
    const auto signer = make_signer("ed25519:1", 's');
    const std::string key = signer->public_key();
    const std::string signature = signer->sign("message");
    const Verifier& verifier = ed25519_verifier();
    EXPECT_FALSE(verifier.is_valid(key.substr(1), "message", signature));
    EXPECT_FALSE(verifier.is_valid(key + "x", "message", signature));
    EXPECT_FALSE(verifier.is_valid(key, "message", signature.substr(1)));
    EXPECT_FALSE(verifier.is_valid(key, "message", signature + "x"));
    EXPECT_FALSE(verifier.is_valid(key, "message", ""));
}

TEST(ListSignatures, ShowsEachInOrderAndWhatIsNoBase64AsEmpty) {
    const auto object = json::parse(R"({"signatures":{"b":{"ed25519:2":"Zm8","ed25519:1":5},
        "a":{"other:x":"Zg"},"c":"no object","d":{"ed25519:3":"*"}}})");
    std::string seen;
    for (const SignatureRef& ref : list_signatures(*object->if_object())) {
        seen += ref.entity + ' ' + ref.key_id.text() + " [" + ref.signature + "] ";
    }
    EXPECT_EQ(seen, "a other:x [f] b ed25519:1 [] b ed25519:2 [fo] d ed25519:3 [] ");
    EXPECT_TRUE(list_signatures({{"signatures", "none"}}).empty());
    EXPECT_TRUE(list_signatures({}).empty());
}

TEST(SignJson, ReplacesSignaturesThatAreNoObjects) {
    const auto signer = make_signer("ed25519:1", 's');
    json::Object object = {{"signatures", json::Object{{"a", "text"}}}, {"x", 1}};
    sign_json(object, "a", *signer);
    const auto list = list_signatures(object);
    ASSERT_EQ(list.size(), 1U);
    EXPECT_TRUE(has_signature(object, list[0].signature, signer->public_key(), ed25519_verifier()));
    object.set("x", 2);
    EXPECT_FALSE(
        has_signature(object, list[0].signature, signer->public_key(), ed25519_verifier()));
}

TEST(ServerKeys, AreReadBackAsTheyWereMade) {
    const auto signer = make_signer("ed25519:abc", 's');
    const json::Object document = make_server_keys(ServerName("a.example"), *signer, 1234);
    const auto keys = parse_server_keys(document, ed25519_verifier());
    ASSERT_TRUE(keys) << keys.error();
    EXPECT_EQ(keys->server, ServerName("a.example"));
    EXPECT_EQ(keys->valid_until_ts, 1234);
    ASSERT_EQ(keys->keys.size(), 1U);
    EXPECT_EQ(keys->keys.begin()->first, KeyId("ed25519:abc"));
    EXPECT_EQ(keys->keys.begin()->second.public_key, signer->public_key());
    EXPECT_FALSE(keys->keys.begin()->second.is_old);
    EXPECT_EQ(keys->document, document);
}

TEST(ServerKeys, NamesTheFieldThatIsWrong) {
    const auto signer = make_signer("ed25519:abc", 's');
    const std::string key = encode_base64(signer->public_key());
    const json::Value short_key = json::Object{{"key", "c2hvcnQ"}};
    const json::Value good_key = json::Object{{"key", key}};
    struct Row {
        std::string_view field;
        json::Value value;
        std::string_view expected;
    };
    const Row rows[] = {
        {"server_name", 1, "server_name"},
        {"server_name", "a b", "server_name"},
        {"server_name", "b.example", "signatures"},
        {"valid_until_ts", "soon", "valid_until_ts"},
        {"verify_keys", json::Array(), "verify_keys"},
        {"verify_keys", json::Object(), "verify_keys"},
        {"verify_keys", json::Object{{"other:1", good_key}}, "verify_keys"},
        {"verify_keys", json::Object{{"ed25519:a-b", good_key}}, "verify_keys"},
        {"verify_keys", json::Object{{"ed25519:abc", short_key}}, "verify_keys"},
        {"verify_keys", json::Object{{"ed25519:abc", "text"}}, "verify_keys"},
        {"verify_keys",
         json::Object{{"ed25519:abc", good_key}, {"ed25519:b", good_key}},
         "signatures"},
        {"verify_keys", json::Object{{"ed25519:abc", good_key}, {"x:b", 1}}, "ok"},
        {"old_verify_keys", 1, "old_verify_keys"},
        {"old_verify_keys", json::Object{{"ed25519:old", good_key}}, "old_verify_keys"},
        {"old_verify_keys",
         json::Object{{"ed25519:old", json::Object{{"key", key}, {"expired_ts", 5}}}},
         "ok"},
        {"unknown", 1, "ok"},
    };
    for (const Row& row : rows) {
        json::Object document = make_server_keys(ServerName("a.example"), *signer, 1234);
        document.set(row.field, row.value);
        document.erase("signatures");
        sign_json(document, "a.example", *signer);
        const auto keys = parse_server_keys(document, ed25519_verifier());
        EXPECT_EQ(keys ? "ok" : keys.error().field, row.expected) << row.field << row.value;
    }
}

TEST(ServerKeys, NeedsServerTimeAndKeys) {
    const auto signer = make_signer("ed25519:abc", 's');
    for (const char* field : {"server_name", "valid_until_ts", "verify_keys"}) {
        json::Object document = make_server_keys(ServerName("a.example"), *signer, 1234);
        document.erase(field);
        EXPECT_EQ(parse_server_keys(document, ed25519_verifier()).error().field, field);
    }
    json::Object document = make_server_keys(ServerName("a.example"), *signer, 1234);
    document.erase("old_verify_keys");
    document.erase("signatures");
    sign_json(document, "a.example", *signer);
    EXPECT_TRUE(parse_server_keys(document, ed25519_verifier()));
}

TEST(ServerKeys, RefusesADocumentThatWasChangedAfterItWasSigned) {
    const auto signer = make_signer("ed25519:abc", 's');
    json::Object document = make_server_keys(ServerName("a.example"), *signer, 1234);
    document.set("valid_until_ts", 99999);
    EXPECT_EQ(parse_server_keys(document, ed25519_verifier()).error().field, "signatures");
}

TEST(ServerKeys, AreBelievedSevenDaysAheadAndNoLonger) {
    constexpr std::int64_t kNow = 1'000'000'000'000;
    constexpr std::int64_t kWeek = 7LL * 24 * 3600 * 1000;
    const ServerKey far = {"", kNow + 2 * kWeek, false};
    const ServerKey old = {"", kNow - 5, true};
    for (const RoomRules& rules : all_room_rules()) {
        const bool is_free = !rules.is_key_validity_enforced;
        EXPECT_TRUE(is_key_valid_for(far, kNow + kWeek, kNow, rules)) << rules.version;
        EXPECT_EQ(is_key_valid_for(far, kNow + kWeek + 1, kNow, rules), is_free) << rules.version;
        EXPECT_TRUE(is_key_valid_for(old, kNow - 5, kNow, rules)) << rules.version;
        EXPECT_EQ(is_key_valid_for(old, kNow - 4, kNow, rules), is_free) << rules.version;
    }
}

// An event as it is signed, of room version 12.
json::Object signed_pdu(const Signer& signer) {
    json::Object pdu = {{"type", "x"}, {"content", json::Object()}, {"origin_server_ts", 1000}};
    hash_and_sign_event(pdu, ServerName("a.example"), signer, *find_room_rules("12"));
    return pdu;
}

TEST(EventSignatures, AreJudgedForOneServerByItsKeys) {
    const RoomRules& rules = *find_room_rules("12");
    const auto signer = make_signer("ed25519:1", 's');
    const std::map<KeyId, ServerKey> keys = {
        {signer->key_id(), {signer->public_key(), 1000, false}}};
    const auto judge = [&](const json::Object& pdu, const char* server) {
        std::ostringstream out;
        out << check_event_signatures(
            pdu, ServerName(server), keys, 1000, rules, ed25519_verifier());
        return out.str();
    };
    json::Object pdu = signed_pdu(*signer);
    EXPECT_EQ(judge(pdu, "a.example"), "valid");
    EXPECT_EQ(judge(pdu, "b.example"), "no known key");
    pdu.set("type", "changed");
    EXPECT_EQ(judge(pdu, "a.example"), "invalid");
    // Without a time, or with one beyond all keys, no key is known to be good then.
    pdu.set("origin_server_ts", json::OtherNumber{"1e30"});
    EXPECT_EQ(judge(pdu, "a.example"), "no known key");
    pdu.erase("origin_server_ts");
    EXPECT_EQ(judge(pdu, "a.example"), "no known key");
}

// An event can claim an id without a server, and a user id that is none to have authorised it: both
// are refused elsewhere, and ask for nobody's signature.
TEST(RequiredSigners, AreServersThatHaveNames) {
    for (const RoomRules& rules : all_room_rules()) {
        Event event;
        event.rules = &rules;
        event.sender = UserId("@alice:a.example");
        event.id = EventId("$no_server");
        event.type = "m.room.member";
        event.content = parse_event_content(
            event.type,
            {{"membership", "join"}, {"join_authorised_via_users_server", "no user"}},
            rules);
        EXPECT_EQ(required_signers(event), std::vector{ServerName("a.example")}) << rules.version;
    }
}

TEST(XMatrix, SignsTheRequestAsTheReceiverReadsIt) {
    const auto signer = make_signer("ed25519:key1", 's');
    const ServerName origin("a.example:8448");
    const ServerName destination("[::1]:8448");
    const json::Value body = json::Object{{"b", 1}, {"a", "日"}};
    const std::string header = authorize_request(
        "PUT", "/_matrix/federation/v1/send/1?a=%2F", origin, destination, &body, *signer);
    const auto parsed = parse_x_matrix(header);
    ASSERT_TRUE(parsed) << parsed.error().what;
    EXPECT_EQ(parsed->origin, origin);
    EXPECT_EQ(parsed->destination, destination);
    EXPECT_EQ(parsed->key_id, KeyId("ed25519:key1"));
    EXPECT_EQ(write_x_matrix(*parsed), header);

    const auto is_valid = [&](std::string_view method,
                              std::string_view target,
                              const json::Value* content) {
        const auto request = write_request_to_sign(method, target, origin, destination, content);
        return ed25519_verifier().is_valid(signer->public_key(), request, parsed->signature);
    };
    EXPECT_TRUE(is_valid("PUT", "/_matrix/federation/v1/send/1?a=%2F", &body));
    EXPECT_FALSE(is_valid("POST", "/_matrix/federation/v1/send/1?a=%2F", &body));
    EXPECT_FALSE(is_valid("PUT", "/_matrix/federation/v1/send/1?a=/", &body));
    EXPECT_FALSE(is_valid("PUT", "/_matrix/federation/v1/send/1?a=%2F", nullptr));
}

TEST(XMatrix, WritesWhatItParsed) {
    const XMatrix authorization = {
        ServerName("a.example"), std::nullopt, KeyId("ed25519:a\"b\\c"), "sig"};
    const std::string header = write_x_matrix(authorization);
    EXPECT_EQ(header, R"(X-Matrix origin="a.example",key="ed25519:a\"b\\c",sig="c2ln")");
    const auto parsed = parse_x_matrix(header);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->key_id, authorization.key_id);
    EXPECT_FALSE(parsed->destination);
}

TEST(XMatrix, RefusesNamesAndValuesThatAreNoTokens) {
    for (const char* header : {"X-Matrix =a",
                               "X-Matrix {=a",
                               "X-Matrix origin={",
                               "X-Matrix origin=[",
                               "X-Matrix \x7f=a",
                               "X-Matrix origin"}) {
        EXPECT_FALSE(parse_x_matrix(header)) << header;
    }
}

// The header as the specification's example prints it.
TEST(XMatrix, IsWrittenAsOlderServersReadIt) {
    const XMatrix authorization = {ServerName("origin.hs.example.com"),
                                   ServerName("destination.hs.example.com"),
                                   KeyId("ed25519:key1"),
                                   decode_base64("ABCDEF").value()};
    EXPECT_EQ(
        write_x_matrix(authorization),
        "X-Matrix origin=\"origin.hs.example.com\",destination=\"destination.hs.example.com\","
        "key=\"ed25519:key1\",sig=\"ABCDEA\"");
}

}  // namespace
}  // namespace matrix
