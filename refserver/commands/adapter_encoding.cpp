// The adapter's operations on bytes: canonical JSON, hashes, ids, redaction, signatures.

#include <utility>

#include "refserver/base/assert.h"
#include "refserver/base/result_macros.h"
#include "refserver/commands/adapter_request.h"
#include "refserver/protocol/base64.h"
#include "refserver/protocol/event_hash.h"
#include "refserver/protocol/redaction.h"
#include "refserver/protocol/signatures.h"

namespace matrix::commands::adapter {
namespace {

constexpr std::size_t kSeedBytes = 32;
constexpr std::size_t kPublicKeyBytes = 32;

json::Value bytes_and_text(std::string text) {
    json::Object object{{"bytes_b64", encode_base64(text)}};
    object.set("text", std::move(text));
    return object;
}

json::Array texts_of(const std::vector<EventId>& ids) {
    json::Array texts;
    for (const EventId& id : ids)
        texts.push_back(id.text());
    return texts;
}

}  // namespace

Answer write_canonical_json(const json::Object& request) {
    bool is_strict = true;
    if (request.contains("room_version")) {
        ASSIGN_OR_RETURN(const RoomRules* rules, read_rules(request));
        is_strict = rules->is_canonical_json_enforced;
    }
    if (const json::Value* value = request.find("value")) {
        if (is_strict && !json::has_only_canonical_numbers(*value)) {
            return refuse_request("value", "integers of canonical JSON as the only numbers");
        }
        return bytes_and_text(json::write(*value));
    }
    ASSIGN_OR_RETURN(const std::string bytes, read_bytes(request, "bytes_b64"));
    const auto document =
        json::parse(bytes, is_strict ? json::Numbers::Canonical : json::Numbers::Any);
    if (document) return bytes_and_text(json::write(*document));
    return refuse_request(
        "bytes_b64", document.error().what + " at byte " + std::to_string(document.error().offset));
}

Answer describe_event(const json::Object& request) {
    ASSIGN_OR_RETURN(const RoomRules* rules, read_rules(request));
    ASSIGN_OR_RETURN(const json::Object pdu, read_event_pdu(request));
    const auto event = parse_event(pdu, *rules);
    if (!event) {
        const std::string& field = event.error().field;
        return refuse_request(field.empty() ? "event" : "event." + field, event.error().what);
    }
    json::Object description{{"event_id", event->id.text()},
                             {"room_id", event->room_id.text()},
                             {"sender", event->sender.text()},
                             {"type", event->type},
                             {"depth", event->depth},
                             {"origin_server_ts", event->origin_server_ts},
                             {"auth_events", texts_of(event->auth_events)},
                             {"prev_events", texts_of(event->prev_events)}};
    if (event->state_key) description.set("state_key", *event->state_key);
    if (event->redacts) description.set("redacts", event->redacts->text());
    return description;
}

Answer hash_content(const json::Object& request) {
    ASSIGN_OR_RETURN(const json::Object pdu, read_event_pdu(request));
    return json::Object{{"sha256", encode_base64(view(content_hash(pdu)))}};
}

Answer make_event_id(const json::Object& request) {
    ASSIGN_OR_RETURN(const RoomRules* rules, read_rules(request));
    ASSIGN_OR_RETURN(const json::Object pdu, read_event_pdu(request));
    const auto id = event_id_of(pdu, *rules);
    if (!id) return refuse_request("event." + id.error().field, id.error().what);
    return json::Object{
        {"event_id", id->text()},
        {"reference_hash", encode_base64(view(reference_hash(pdu, *rules)))},
    };
}

Answer redact_event(const json::Object& request) {
    ASSIGN_OR_RETURN(const RoomRules* rules, read_rules(request));
    ASSIGN_OR_RETURN(const json::Object pdu, read_event_pdu(request));
    return json::Object{{"event", redact(pdu, *rules)}};
}

namespace {

Result<std::unique_ptr<Signer>> read_signer(const json::Object& request) {
    ASSIGN_OR_RETURN(const std::string* text, read_text(request, "key_id"));
    auto key_id = parse_key_id(*text);
    if (!key_id) return refuse_request("key_id", std::move(key_id).error().what);
    ASSIGN_OR_RETURN(const std::string seed, read_bytes(request, "seed"));
    if (seed.size() != kSeedBytes) return refuse_request("seed", "32 bytes in base64");
    return make_ed25519_signer(*std::move(key_id), seed);
}

bool is_about_object(const json::Object& request) {
    return request.contains("object");
}

Result<json::Object> read_signed_object(const json::Object& request) {
    const json::Value* value = request.find("object");
    const json::Object* object = value ? value->if_object() : nullptr;
    if (!object) return refuse_request("object", "an object");
    return *object;
}

}  // namespace

Answer sign(const json::Object& request) {
    ASSIGN_OR_RETURN(const std::string* server, read_text(request, "server"));
    ASSIGN_OR_RETURN(const auto signer, read_signer(request));
    if (is_about_object(request)) {
        ASSIGN_OR_RETURN(json::Object object, read_signed_object(request));
        sign_json(object, *server, *signer);
        return json::Object{{"object", std::move(object)}};
    }
    ASSIGN_OR_RETURN(const RoomRules* rules, read_rules(request));
    ASSIGN_OR_RETURN(json::Object pdu, read_event_pdu(request));
    hash_and_sign_event(pdu, ServerName(*server), *signer, *rules);
    return json::Object{{"event", std::move(pdu)}};
}

namespace {

using KeysOfServer = std::map<KeyId, ServerKey>;

Result<ServerKey> read_key(const json::Value& value, const std::string& field) {
    const std::string* text = value.find_string("key");
    auto bytes = text ? decode_base64(*text) : std::nullopt;
    if (!bytes || bytes->size() != kPublicKeyBytes) {
        return refuse_request(field, "an object with a \"key\" of 32 bytes in base64");
    }
    ServerKey key{*std::move(bytes), json::kIntegerMax, false};
    if (const std::int64_t* until = value.find_integer("valid_until_ts")) {
        key.valid_until_ts = *until;
    }
    if (const std::int64_t* expired = value.find_integer("expired_ts")) {
        key.valid_until_ts = *expired;
        key.is_old = true;
    }
    return key;
}

// Keys by server and id.
Result<std::map<std::string, KeysOfServer, std::less<>>> read_key_ring(
    const json::Object& request) {
    const json::Value* value = request.find("keys");
    const json::Object* servers = value ? value->if_object() : nullptr;
    if (!servers) return refuse_request("keys", "an object of servers, of objects of key ids");
    std::map<std::string, KeysOfServer, std::less<>> ring;
    for (const json::Member& server : *servers) {
        const std::string field = "keys." + server.key;
        const json::Object* keys = server.value.if_object();
        if (!keys) return refuse_request(field, "an object of key ids");
        KeysOfServer& known = ring[server.key];
        for (const json::Member& entry : *keys) {
            ASSIGN_OR_RETURN(ServerKey key, read_key(entry.value, field + '.' + entry.key));
            known.emplace(KeyId(entry.key), std::move(key));
        }
    }
    return ring;
}

std::string_view name_of(SignatureVerdict verdict) {
    switch (verdict) {
        case SignatureVerdict::Valid:
            return "valid";
        case SignatureVerdict::Invalid:
            return "invalid";
        case SignatureVerdict::NoKnownKey:
            return "no_known_key";
    }
    unreachable();
}

// The signatures of one entity on an object that is no event: the key's times play no part.
SignatureVerdict check_object_signatures(const json::Object& object,
                                         std::string_view entity,
                                         const KeysOfServer& keys) {
    SignatureVerdict verdict = SignatureVerdict::NoKnownKey;
    for (const SignatureRef& ref : list_signatures(object)) {
        const auto known = keys.find(ref.key_id);
        if (ref.entity != entity || known == keys.end()) continue;
        if (!has_signature(object, ref.signature, known->second.public_key, ed25519_verifier())) {
            return SignatureVerdict::Invalid;
        }
        verdict = SignatureVerdict::Valid;
    }
    return verdict;
}

Result<std::int64_t> read_now(const json::Object& request) {
    const json::Value* now = request.find("now_ts");
    if (!now) return json::kIntegerMax;
    const std::int64_t* value = now->if_integer();
    const bool is_good = value && *value >= json::kIntegerMin && *value <= json::kIntegerMax;
    if (!is_good) return refuse_request("now_ts", "an integer of canonical JSON");
    return *value;
}

}  // namespace

Answer verify(const json::Object& request) {
    ASSIGN_OR_RETURN(const auto ring, read_key_ring(request));
    const auto keys_of = [&](std::string_view server) {
        const auto keys = ring.find(server);
        return keys == ring.end() ? KeysOfServer() : keys->second;
    };
    json::Object signatures;
    bool is_valid = true;
    const auto add = [&](std::string_view entity, SignatureVerdict verdict) {
        signatures.set(entity, name_of(verdict));
        is_valid = is_valid && verdict == SignatureVerdict::Valid;
    };
    if (is_about_object(request)) {
        ASSIGN_OR_RETURN(const json::Object object, read_signed_object(request));
        ASSIGN_OR_RETURN(const std::string* entity, read_text(request, "entity"));
        add(*entity, check_object_signatures(object, *entity, keys_of(*entity)));
        return json::Object{{"signatures", std::move(signatures)}, {"valid", is_valid}};
    }
    ASSIGN_OR_RETURN(const RoomRules* rules, read_rules(request));
    ASSIGN_OR_RETURN(const json::Object pdu, read_event_pdu(request));
    ASSIGN_OR_RETURN(const std::int64_t now_ts, read_now(request));
    const auto event = parse_event(pdu, *rules);
    if (!event) return refuse_request("event." + event.error().field, event.error().what);
    for (const ServerName& server : required_signers(*event)) {
        add(server.view(),
            check_event_signatures(
                pdu, server, keys_of(server.view()), now_ts, *rules, ed25519_verifier()));
    }
    return json::Object{{"content_hash", has_valid_content_hash(pdu)},
                        {"signatures", std::move(signatures)},
                        {"valid", is_valid}};
}

}  // namespace matrix::commands::adapter
