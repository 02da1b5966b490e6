// Any JSON object, signed and verified as it is and as a PDU of any room version.
//
// The first byte chooses the room version.

#include "refserver/protocol/signatures.h"

#include <array>

#include "fuzz/target.h"
#include "refserver/protocol/event_hash.h"
#include "refserver/protocol/redaction.h"
#include "refserver/protocol/server_keys.h"

namespace matrix::fuzz {
namespace {

const ServerName kServer("a.example");

// Signatures of the simulator's kind: the laws are ours, not Ed25519's, and thousands of signatures
// a second more find more.
class HashSigner : public Signer, public Verifier {
public:
    KeyId key_id() const override { return KeyId("ed25519:1"); }
    std::string public_key() const override { return std::string(32, 'k'); }
    std::string sign(std::string_view message) const override {
        const Sha256 digest = sha256(message);
        return std::string(view(digest)) + std::string(view(digest));
    }
    bool is_valid(std::string_view public_key_,
                  std::string_view message,
                  std::string_view signature) const override {
        return public_key_ == public_key() && signature == sign(message);
    }
};

std::size_t count_foreign(const json::Object& object) {
    std::size_t count = 0;
    for (const SignatureRef& ref : list_signatures(object)) {
        if (ref.entity != kServer.view() || ref.key_id != KeyId("ed25519:1")) ++count;
    }
    return count;
}

const char* law_broken_by_signing(const json::Object& object, const HashSigner& signer) {
    json::Object signed_object = object;
    sign_json(signed_object, kServer.view(), signer);
    json::Object twice = signed_object;
    sign_json(twice, kServer.view(), signer);
    if (twice != signed_object) return "signing twice is signing once";
    if (count_foreign(signed_object) < count_foreign(object)) {
        return "the signatures of others survive";
    }
    const std::string signature = signer.sign(
        json::write_without(object, std::to_array<std::string_view>({"signatures", "unsigned"})));
    if (!has_signature(signed_object, signature, signer.public_key(), signer)) {
        return "what was signed is verified";
    }
    signed_object.set("unsigned", json::Array{1});
    if (!has_signature(signed_object, signature, signer.public_key(), signer)) {
        return "unsigned is not signed";
    }
    signed_object.set("one more", 1);
    signed_object.set("another", object);
    if (has_signature(signed_object, signature, signer.public_key(), signer)) {
        return "a changed object is not verified";
    }
    return nullptr;
}

const char* law_broken_by_event(json::Object pdu,
                                const RoomRules& rules,
                                const HashSigner& signer) {
    const std::map<KeyId, ServerKey> keys = {
        {signer.key_id(), {signer.public_key(), INT64_MAX, false}}};
    const auto judge = [&](const json::Object& object) {
        return check_event_signatures(object, kServer, keys, INT64_MAX / 2, rules, signer);
    };
    pdu.set("signatures", json::Object());
    pdu.set("origin_server_ts", 1);
    if (judge(pdu) != SignatureVerdict::NoKnownKey) return "without a signature none is valid";
    hash_and_sign_event(pdu, kServer, signer, rules);
    if (!has_valid_content_hash(pdu)) return "an event that was hashed has a valid hash";
    if (judge(pdu) != SignatureVerdict::Valid) return "an event that was signed is verified";
    if (judge(redact(pdu, rules)) != SignatureVerdict::Valid) {
        return "a redacted copy is verified by the same signature";
    }
    pdu.set("an unprotected key", 1);
    if (has_valid_content_hash(pdu)) return "a content hash covers every key";
    if (judge(pdu) != SignatureVerdict::Valid) return "a signature covers protected keys alone";
    pdu.set("depth", pdu.contains("depth") ? json::Value(pdu) : json::Value(1));
    if (judge(pdu) != SignatureVerdict::Invalid) return "a signature covers each protected key";
    return nullptr;
}

const char* law_broken_by_keys(const json::Object& document, const HashSigner& signer) {
    const auto keys = parse_server_keys(document, signer);
    if (!keys) return keys.error().field.empty() ? "a refusal names a field" : nullptr;
    if (keys->keys.empty()) return "a key document holds a key";
    for (const auto& [id, key] : keys->keys) {
        if (!parse_key_id(id.view()) || key.public_key.size() != 32) return "keys have their form";
    }
    return nullptr;
}

}  // namespace

Outcome run_signatures(std::string_view bytes) {
    if (bytes.empty()) return std::nullopt;
    const auto versions = all_room_rules();
    const RoomRules& rules = versions[static_cast<unsigned char>(bytes[0]) % versions.size()];
    const auto value = json::parse(bytes.substr(1), json::Numbers::Any);
    const json::Object* object = value ? value->if_object() : nullptr;
    if (!object) return std::nullopt;
    const HashSigner signer;
    const char* law = law_broken_by_signing(*object, signer);
    if (!law) law = law_broken_by_event(*object, rules, signer);
    if (!law) law = law_broken_by_keys(*object, signer);
    if (!law) return std::nullopt;
    return Finding{law, {{"room_version", rules.version}, {"object", *object}}};
}

}  // namespace matrix::fuzz
