// Laws of event ids, hashes, redaction and signatures, in every room version.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#signing-events

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "refserver/protocol/base64.h"
#include "refserver/protocol/event_hash.h"
#include "refserver/protocol/redaction.h"
#include "refserver/protocol/server_keys.h"
#include "refserver/protocol/signatures.h"
#include "tests/protocol/draw.h"

namespace matrix {
namespace {

const ServerName kServer("a.example");
// Later than any time that is drawn, so that keys are believed.
constexpr std::int64_t kLate = std::int64_t{1} << 60;

EventId id_of(const json::Object& pdu, const RoomRules& rules) {
    return event_id_of(pdu, rules).value();
}

// The field that the parser objects to, "whole" for the whole of it; "none" if it takes the event.
std::string refused_by_parser(const json::Object& pdu, const RoomRules& rules) {
    const auto event = parse_event(pdu, rules);
    if (event) return "none";
    return event.error().field.empty() ? "whole" : event.error().field;
}

json::Object without(json::Object object, std::initializer_list<std::string_view> keys) {
    for (const std::string_view key : keys)
        object.erase(key);
    return object;
}

// A value that is another one than `value`, of a drawn type.
json::Value draw_other(const json::Value& value) {
    json::Value other = draw::value(1);
    if (other == value) other = json::Array{std::move(other)};
    return other;
}

SignatureVerdict judge(const json::Object& pdu,
                       const std::map<KeyId, ServerKey>& keys,
                       const RoomRules& rules) {
    return check_event_signatures(pdu, kServer, keys, kLate, rules, ed25519_verifier());
}

std::map<KeyId, ServerKey> keys_of(std::initializer_list<const Signer*> signers) {
    std::map<KeyId, ServerKey> keys;
    for (const Signer* signer : signers) {
        keys[signer->key_id()] = {signer->public_key(), INT64_MAX, false};
    }
    return keys;
}

// E1
RC_GTEST_PROP(EventIdProperty, IgnoresUnsignedSignaturesAndUnprotectedContent, ()) {
    const RoomRules& rules = draw::rules_with_hashed_ids();
    json::Object pdu = draw::pdu(rules);
    const EventId id = id_of(pdu, rules);

    pdu.set("unsigned", draw::value(1));
    RC_ASSERT(id_of(pdu, rules) == id);
    sign_event(pdu, ServerName("b.example"), *draw::signer(), rules);
    RC_ASSERT(id_of(pdu, rules) == id);
    pdu.set("unprotected", draw::value(1));
    RC_ASSERT(id_of(pdu, rules) == id);

    const bool is_all_protected =
        *pdu.find("type")->if_string() == "m.room.create" && rules.redaction.keeps_all_of_create;
    pdu.find("content")->if_object()->set("unprotected", draw::value(1));
    RC_ASSERT((id_of(pdu, rules) == id) != is_all_protected);
    pdu.find("content")->if_object()->set("unprotected", "changed for good");
    add_content_hash(pdu);
    RC_ASSERT(id_of(pdu, rules) != id);
}

// E2
RC_GTEST_PROP(EventIdProperty, ChangesWithEveryProtectedMember, ()) {
    const RoomRules& rules = draw::rules_with_hashed_ids();
    json::Object pdu = draw::pdu(rules);
    const EventId id = id_of(pdu, rules);
    const std::string key = draw::protected_key(pdu, rules);
    if (key == "content") {
        pdu.set("type", "m.room.history_visibility");
        const EventId before = id_of(pdu, rules);
        pdu.set("content",
                json::Object{{"history_visibility",
                              pdu.find("content")->if_object()->size() ? "not drawn, one"
                                                                       : "not drawn, two"}});
        RC_ASSERT(id_of(pdu, rules) != before);
    } else {
        pdu.set(key, draw_other(*pdu.find(key)));
        RC_ASSERT(id_of(pdu, rules) != id);
    }
}

// E3
RC_GTEST_PROP(EventIdProperty, HasTheSameDigestInBothAlphabets, ()) {
    const RoomRules& v3 = *find_room_rules("3");
    const RoomRules& v4 = *find_room_rules("4");
    const json::Object pdu = draw::pdu(v3);
    const std::string standard = id_of(pdu, v3).text();
    const std::string url_safe = id_of(pdu, v4).text();
    RC_ASSERT(decode_base64(standard.substr(1)) == decode_base64_url(url_safe.substr(1)));
    RC_ASSERT(decode_base64(standard.substr(1))->size() == 32U);
}

// E4
RC_GTEST_PROP(RedactionProperty, IsIdempotentAndKeepsHashAndId, ()) {
    const RoomRules& rules = draw::rules();
    const json::Object pdu = draw::pdu(rules);
    const json::Object redacted = redact(pdu, rules);
    RC_ASSERT(redact(redacted, rules) == redacted);
    RC_ASSERT(reference_hash(redacted, rules) == reference_hash(pdu, rules));
    RC_ASSERT(id_of(redacted, rules) == id_of(pdu, rules));
    for (const json::Member& member : redacted) {
        RC_ASSERT(pdu.contains(member.key));
        if (member.key != "content") RC_ASSERT(*pdu.find(member.key) == member.value);
    }
    const json::Object& content = *pdu.find("content")->if_object();
    for (const json::Member& member : *redacted.find("content")->if_object()) {
        RC_ASSERT(content.contains(member.key));
        if (member.key == "third_party_invite") continue;  // Keeps its `signed` alone.
        RC_ASSERT(*content.find(member.key) == member.value);
    }
}

std::vector<std::string> top_level_keys(const json::Object& object) {
    std::vector<std::string> keys;
    for (const json::Member& member : object)
        keys.push_back(member.key);
    return keys;
}

// E5
RC_GTEST_PROP(RedactionProperty, KeepsFewerTopLevelMembersInLaterVersions, ()) {
    json::Object pdu = draw::pdu(draw::rules());
    for (const auto* key : {"origin", "membership", "prev_state"})
        pdu.set(key, draw::value(1));
    std::vector<std::string> earlier = top_level_keys(redact(pdu, *find_room_rules("1")));
    for (const RoomRules& rules : all_room_rules()) {
        const std::vector<std::string> later = top_level_keys(redact(pdu, rules));
        RC_ASSERT(std::ranges::includes(earlier, later));
        const bool drops_legacy = rules.version == "11";
        RC_ASSERT(earlier.size() - later.size() == (drops_legacy ? 3U : 0U));
        earlier = later;
    }
}

// E6
RC_GTEST_PROP(RedactionProperty, IsDefinedForMembersOfAnyType, ()) {
    const RoomRules& rules = draw::rules();
    json::Object pdu = draw::pdu(rules);
    for (const auto* key : {"type", "content", "signatures", "prev_events"}) {
        if (*rc::gen::inRange(0, 2) == 0) pdu.set(key, draw::value(2));
        if (*rc::gen::inRange(0, 8) == 0) pdu.erase(key);
    }
    const json::Object redacted = redact(pdu, rules);
    RC_ASSERT(redact(redacted, rules) == redacted);
    RC_ASSERT(redacted.contains("content") == pdu.contains("content"));
    if (const json::Value* content = redacted.find("content")) RC_ASSERT(content->is_object());
}

// E7
RC_GTEST_PROP(ContentHashProperty, CoversAllButThreeMembers, ()) {
    const RoomRules& rules = draw::rules();
    json::Object pdu = draw::pdu(rules);
    RC_ASSERT(content_hash(pdu) ==
              sha256(json::write(without(pdu, {"unsigned", "signatures", "hashes"}))));
    RC_ASSERT(has_valid_content_hash(pdu));
    for (const auto* key : {"unsigned", "signatures"})
        pdu.set(key, draw::value(1));
    RC_ASSERT(has_valid_content_hash(pdu));

    const std::string key = draw::text() + "new";
    pdu.set(key, draw::value(1));
    RC_ASSERT(!has_valid_content_hash(pdu));
}

RC_GTEST_PROP(ContentHashProperty, MismatchesWithoutMakingTheEventInvalid, ()) {
    const RoomRules& rules = draw::rules();
    json::Object pdu = draw::pdu(rules);
    if (rules.event_format == EventFormat::HashedRoomId &&
        *pdu.find("type")->if_string() == "m.room.create") {
        pdu.erase("room_id");
    }
    const auto original = parse_event(pdu, rules);
    RC_ASSERT(original.has_value());
    pdu.set("unprotected", "added by somebody else");
    RC_ASSERT(!has_valid_content_hash(pdu));
    const auto changed = parse_event(pdu, rules);
    RC_ASSERT(changed.has_value());
    RC_ASSERT(redact(*changed) == redact(*original));
}

// E8
RC_GTEST_PROP(SignatureProperty, CoversExactlyTheRedactedEvent, ()) {
    const RoomRules& rules = draw::rules();
    json::Object pdu = draw::pdu(rules);
    const auto signer = draw::signer();
    const auto keys = keys_of({signer.get()});
    RC_ASSERT(judge(pdu, keys, rules) == SignatureVerdict::Valid);
    RC_ASSERT(judge(redact(pdu, rules), keys, rules) == SignatureVerdict::Valid);

    pdu.set("unprotected", draw::value(1));
    pdu.set("unsigned", draw::value(1));
    RC_ASSERT(judge(pdu, keys, rules) == SignatureVerdict::Valid);

    const std::string key = draw::protected_key(pdu, rules);
    json::Value* value = pdu.find(key);
    RC_ASSERT(value != nullptr);
    if (key == "content" || key == "type") return;
    *value = draw_other(*value);
    // A changed time can also leave the time in which the key is good.
    RC_ASSERT(judge(pdu, keys, rules) != SignatureVerdict::Valid);
}

// E9
RC_GTEST_PROP(SignatureProperty, CommutesAndKeepsThoseOfOthers, ()) {
    const RoomRules& rules = draw::rules();
    const json::Object pdu = draw::pdu(rules);
    const auto a = draw::signer("ed25519:a", 'a');
    const auto b = draw::signer("ed25519:b", 'b');
    const ServerName other("b.example");

    json::Object ab = pdu;
    sign_event(ab, kServer, *a, rules);
    sign_event(ab, other, *b, rules);
    json::Object ba = pdu;
    sign_event(ba, other, *b, rules);
    sign_event(ba, kServer, *a, rules);
    RC_ASSERT(ab == ba);
    RC_ASSERT(list_signatures(ab).size() == 3U);

    json::Object twice = ab;
    sign_event(twice, kServer, *a, rules);
    RC_ASSERT(twice == ab);
}

// E10
RC_GTEST_PROP(SignatureProperty, IsDeterministicUnpaddedAndOfOneMessage, ()) {
    const std::string message = draw::text();
    const std::string other = message + draw::text() + "x";
    const auto signer = draw::signer("ed25519:1", static_cast<char>(*rc::gen::inRange(0, 128)));
    const std::string signature = signer->sign(message);
    RC_ASSERT(signature == signer->sign(message));
    RC_ASSERT(encode_base64(signature).size() == 86U);
    RC_ASSERT(decode_base64(encode_base64(signature)) == signature);
    const Verifier& verifier = ed25519_verifier();
    RC_ASSERT(verifier.is_valid(signer->public_key(), message, signature));
    RC_ASSERT(!verifier.is_valid(signer->public_key(), other, signature));

    std::string damaged = signature;
    damaged[static_cast<std::size_t>(*rc::gen::inRange(0, 64))] ^=
        static_cast<char>(1 << *rc::gen::inRange(0, 8));
    RC_ASSERT(!verifier.is_valid(signer->public_key(), message, damaged));
}

// E11
RC_GTEST_PROP(KeyValidityProperty, GrowsWithValidUntilAndEndsSevenDaysFromNow, ()) {
    const RoomRules& rules = draw::rules();
    const std::int64_t now = 1'700'000'000'000;
    const auto offset = [] {
        constexpr std::int64_t kRange = std::int64_t{30} * 24 * 3600 * 1000;
        return *rc::gen::inRange<std::int64_t>(-kRange, kRange);
    };
    const std::int64_t time = now + offset();
    const std::int64_t early = now + offset();
    const std::int64_t late = early + std::abs(offset());
    const bool is_old = *rc::gen::element(true, false);
    const auto is_valid = [&](std::int64_t valid_until_ts) {
        return is_key_valid_for({"", valid_until_ts, is_old}, time, now, rules);
    };
    RC_ASSERT(!is_valid(early) || is_valid(late));
    constexpr std::int64_t kSevenDays = std::int64_t{7} * 24 * 3600 * 1000;
    const bool expected = time <= early && time <= now + kSevenDays;
    RC_CLASSIFY(expected);
    RC_ASSERT(is_valid(early) == (expected || !rules.is_key_validity_enforced));
}

// E12
RC_GTEST_PROP(SignatureProperty, IsGoodOnlyIfAllByKnownKeysAreGood, ()) {
    const RoomRules& rules = draw::rules();
    json::Object pdu = draw::pdu(rules);
    // Small, so that a key whose time has run out is old in every version that looks.
    pdu.set("origin_server_ts", 1000);
    pdu.set("signatures", json::Object());
    std::map<KeyId, ServerKey> keys;
    bool has_good = false;
    bool has_bad = false;
    for (const char seed : {'a', 'b', 'c'}) {
        const auto signer = draw::signer(std::string("ed25519:") + seed, seed);
        if (*rc::gen::inRange(0, 4) == 0) continue;
        const bool is_bad = *rc::gen::element(true, false);
        const bool is_known = *rc::gen::element(true, false);
        const bool is_expired = *rc::gen::element(true, false);
        sign_event(
            pdu, kServer, *draw::signer(signer->key_id().view(), is_bad ? 'x' : seed), rules);
        if (is_known)
            keys[signer->key_id()] = {signer->public_key(), is_expired ? 999 : 1000, false};
        const bool counts = is_known && (!is_expired || !rules.is_key_validity_enforced);
        (is_bad ? has_bad : has_good) |= counts;
    }
    const SignatureVerdict expected = has_bad    ? SignatureVerdict::Invalid
                                      : has_good ? SignatureVerdict::Valid
                                                 : SignatureVerdict::NoKnownKey;
    RC_TAG(static_cast<int>(expected));
    RC_ASSERT(judge(pdu, keys, rules) == expected);
}

// E13
RC_GTEST_PROP(RequiredSignersProperty, AreThoseThatTheVersionNames, ()) {
    const RoomRules& rules = draw::rules();
    json::Object content = {
        {"membership", *rc::gen::element<std::string>("join", "invite", "leave")}};
    const bool is_authorized = *rc::gen::element(true, false);
    const bool is_third_party = *rc::gen::element(true, false);
    if (is_authorized) content.set("join_authorised_via_users_server", "@bob:b.example");
    if (is_third_party) content.set("third_party_invite", json::Object());

    json::Object pdu = draw::pdu(rules);
    if (rules.event_format == EventFormat::HashedRoomId) {
        pdu.set("room_id", "!" + std::string(43, 'A'));
    }
    pdu.set("type", "m.room.member");
    pdu.set("state_key", "@alice:a.example");
    pdu.set("content", content);
    if (rules.event_format == EventFormat::IdsAndHashes) pdu.set("event_id", "$e:c.example");
    const auto event = parse_event(pdu, rules);
    RC_ASSERT(event.has_value());

    std::vector<ServerName> expected;
    const bool is_invite = *content.find("membership")->if_string() == "invite";
    if (!(is_invite && is_third_party)) expected.emplace_back("a.example");
    if (rules.event_format == EventFormat::IdsAndHashes) expected.emplace_back("c.example");
    if (is_authorized && rules.has_restricted) expected.emplace_back("b.example");
    RC_ASSERT(required_signers(*event) == expected);
}

// E14
RC_GTEST_PROP(RoomIdProperty, IsTheHashOfTheWholeCreateEventInVersion12, ()) {
    const RoomRules& rules = *find_room_rules("12");
    json::Object pdu = draw::pdu(rules);
    pdu.set("type", "m.room.create");
    pdu.set("state_key", "");
    pdu.set("room_id", draw::value(1));
    RC_ASSERT(refused_by_parser(pdu, rules) == "room_id");
    pdu.erase("room_id");
    const auto event = parse_event(pdu, rules);
    RC_ASSERT(event.has_value());
    RC_ASSERT(event->room_id.text() == "!" + event->id.text().substr(1));
    RC_ASSERT(event->room_id.text() == "!" + encode_base64_url(view(reference_hash(pdu, rules))));

    json::Object& content = *pdu.find("content")->if_object();
    content.set("key", content.contains("key") ? json::Value(content) : json::Value("value"));
    RC_ASSERT(parse_event(pdu, rules)->room_id != event->room_id);
}

// E15
RC_GTEST_PROP(SizeProperty, LimitsEachTextTo255BytesAndTheEventTo65536, ()) {
    const RoomRules& rules = draw::rules();
    json::Object pdu = draw::pdu(rules);
    pdu.set("type", "x");
    if (rules.event_format == EventFormat::HashedRoomId) {
        pdu.set("room_id", "!" + std::string(43, 'A'));
    }
    const std::string unit = *rc::gen::element<std::string>("a", "é", "日", "\U0001F600");
    std::string text;
    while (text.size() + unit.size() <= kIdBytesMax)
        text += unit;
    const std::string key = *rc::gen::element<std::string>("type", "state_key");
    pdu.set(key, text);
    RC_ASSERT(parse_event(pdu, rules).has_value());
    pdu.set(key, text + unit);
    RC_ASSERT(refused_by_parser(pdu, rules) == key);
    pdu.set(key, "x");

    pdu.set("padding", "");
    const std::size_t rest = kPduBytesMax - parse_event(pdu, rules)->text.size();
    pdu.set("padding", std::string(rest, 'x'));
    RC_ASSERT(parse_event(pdu, rules)->text.size() == kPduBytesMax);
    pdu.set("padding", std::string(rest + 1, 'x'));
    RC_ASSERT(refused_by_parser(pdu, rules) == "whole");
}

// E16
RC_GTEST_PROP(ParseEventProperty, GivesAnEventOrAnErrorForAnyObject, ()) {
    const RoomRules& rules = draw::rules();
    json::Object pdu = *rc::gen::inRange(0, 8) == 0 ? draw::object(3) : draw::pdu(rules);
    for (int i = *rc::gen::inRange(0, 3); i > 0 && !pdu.empty(); --i) {
        const auto at = *rc::gen::inRange(0, static_cast<int>(pdu.size()));
        pdu.set(pdu.begin()[at].key, draw::value(2));
    }
    const auto event = parse_event(pdu, rules);
    RC_CLASSIFY(event.has_value());
    const auto from_text = parse_event(json::write(pdu), rules);
    RC_ASSERT(event.has_value() == from_text.has_value());
    if (!event) {
        RC_ASSERT(event.error().field == from_text.error().field);
        RC_ASSERT(!event.error().what.empty());
        return;
    }
    RC_ASSERT(*event == *from_text);
    RC_ASSERT(parse_event(event->text, rules).value() == *event);
    RC_ASSERT(!required_signers(*event).empty() || event->membership() == Membership::Invite);
    RC_ASSERT(client_form(*event).contains("event_id"));
}

// E17, UNSPECIFIED and decided: an object keeps `signed` alone, anything else is dropped.
RC_GTEST_PROP(RedactionProperty, KeepsNothingOfAThirdPartyInviteButWhatIsSigned, ()) {
    const RoomRules& rules = draw::rules();
    const json::Value invite =
        *rc::gen::inRange(0, 2) == 0
            ? draw::value(2)
            : json::Value(json::Object{{"signed", draw::value(1)}, {"x", 1}});
    const json::Object pdu = {{"type", "m.room.member"},
                              {"content", json::Object{{"third_party_invite", invite}}}};
    json::Object expected;
    if (rules.redaction.keeps_signed_third_party_invite && invite.is_object()) {
        json::Object kept;
        if (const json::Value* value = invite.find("signed")) kept.set("signed", *value);
        expected.set("third_party_invite", kept);
    }
    RC_ASSERT(*redact(pdu, rules).find("content")->if_object() == expected);
}

}  // namespace
}  // namespace matrix
