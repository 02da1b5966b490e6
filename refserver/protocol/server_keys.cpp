// Keys of servers, and what signatures by them are worth.

#include "refserver/protocol/server_keys.h"

#include <algorithm>
#include <ostream>

#include "refserver/base/assert.h"
#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/protocol/base64.h"
#include "refserver/protocol/redaction.h"

namespace matrix {
namespace {

constexpr std::size_t kPublicKeyBytes = 32;
constexpr std::int64_t kBelievedAheadMs = std::int64_t{7} * 24 * 60 * 60 * 1000;

std::unexpected<EventError> refuse_keys(std::string_view field, std::string what) {
    return std::unexpected(EventError{std::string(field), std::move(what)});
}

bool is_ed25519(std::string_view key_id) {
    return key_id.starts_with("ed25519:");
}

// Adds the Ed25519 keys of `verify_keys` or `old_verify_keys`.
std::expected<void, EventError> read_keys(const json::Object& listed,
                                          std::string_view field,
                                          const std::optional<std::int64_t>& valid_until_ts,
                                          std::map<KeyId, ServerKey>& keys) {
    for (const json::Member& entry : listed) {
        if (!is_ed25519(entry.key)) continue;
        auto key_id = parse_key_id(entry.key);
        if (!key_id) return refuse_keys(field, "key ids: " + std::move(key_id).error().what);
        const std::string* text = entry.value.find_string("key");
        const auto bytes = text ? decode_base64(*text) : std::nullopt;
        if (!bytes || bytes->size() != kPublicKeyBytes) {
            return refuse_keys(field, "a \"key\" of 32 bytes in base64");
        }
        ServerKey key = {*bytes, valid_until_ts.value_or(0), !valid_until_ts.has_value()};
        SIM_SOMETIMES(key.is_old, "a key document lists an old key");
        if (key.is_old) {
            const std::int64_t* expired_ts = entry.value.find_integer("expired_ts");
            if (!expired_ts) return refuse_keys(field, "an integer \"expired_ts\"");
            key.valid_until_ts = *expired_ts;
        }
        keys.emplace(*std::move(key_id), std::move(key));
    }
    return {};
}

std::expected<void, EventError> check_self_signed(const ServerKeys& keys,
                                                  const Verifier& verifier) {
    const std::vector<SignatureRef> signatures = list_signatures(keys.document);
    for (const auto& [key_id, key] : keys.keys) {
        if (key.is_old) continue;
        const bool is_signed = std::ranges::any_of(signatures, [&](const SignatureRef& ref) {
            return ref.entity == keys.server.view() && ref.key_id == key_id &&
                   has_signature(keys.document, ref.signature, key.public_key, verifier);
        });
        SIM_SOMETIMES(!is_signed, "a key document is not signed by its own key");
        if (!is_signed) return refuse_keys("signatures", "one by the key " + key_id.text());
    }
    return {};
}

}  // namespace

std::expected<ServerKeys, EventError> parse_server_keys(const json::Object& document,
                                                        const Verifier& verifier) {
    ServerKeys keys;
    keys.document = document;
    const json::Value* name = document.find("server_name");
    if (!name || !name->if_string()) return refuse_keys("server_name", "a string");
    auto server = parse_server_name(*name->if_string());
    if (!server) return refuse_keys("server_name", std::move(server).error().what);
    keys.server = *std::move(server);

    const json::Value* valid_until_ts = document.find("valid_until_ts");
    if (!valid_until_ts || !valid_until_ts->if_integer()) {
        return refuse_keys("valid_until_ts", "an integer");
    }
    keys.valid_until_ts = *valid_until_ts->if_integer();

    const json::Value* current = document.find("verify_keys");
    if (!current || !current->is_object()) return refuse_keys("verify_keys", "an object");
    RETURN_IF_ERROR(
        read_keys(*current->if_object(), "verify_keys", keys.valid_until_ts, keys.keys));
    if (keys.keys.empty()) return refuse_keys("verify_keys", "at least one Ed25519 key");

    if (const json::Value* old = document.find("old_verify_keys")) {
        if (!old->is_object()) return refuse_keys("old_verify_keys", "an object");
        RETURN_IF_ERROR(read_keys(*old->if_object(), "old_verify_keys", std::nullopt, keys.keys));
    }
    RETURN_IF_ERROR(check_self_signed(keys, verifier));
    return keys;
}

json::Object make_server_keys(const ServerName& server,
                              const Signer& signer,
                              std::int64_t valid_until_ts,
                              const std::map<KeyId, ServerKey>& old_keys) {
    json::Object old;
    for (const auto& [id, old_key] : old_keys) {
        old.set(id.text(),
                json::Object{{"expired_ts", old_key.valid_until_ts},
                             {"key", encode_base64(old_key.public_key)}});
    }
    const json::Object key = {{"key", encode_base64(signer.public_key())}};
    json::Object document = {
        {"old_verify_keys", std::move(old)},
        {"server_name", server.text()},
        {"valid_until_ts", valid_until_ts},
        {"verify_keys", json::Object{{signer.key_id().text(), key}}},
    };
    sign_json(document, server.view(), signer);
    return document;
}

bool is_key_valid_for(const ServerKey& key,
                      std::int64_t origin_server_ts,
                      std::int64_t now_ts,
                      const RoomRules& rules) {
    if (!rules.is_key_validity_enforced) return true;
    return origin_server_ts <= std::min(key.valid_until_ts, now_ts + kBelievedAheadMs);
}

std::ostream& operator<<(std::ostream& out, SignatureVerdict verdict) {
    switch (verdict) {
        case SignatureVerdict::Valid:
            return out << "valid";
        case SignatureVerdict::Invalid:
            return out << "invalid";
        case SignatureVerdict::NoKnownKey:
            return out << "no known key";
    }
    unreachable();
}

SignatureVerdict check_event_signatures(const json::Object& pdu,
                                        const ServerName& server,
                                        const std::map<KeyId, ServerKey>& keys,
                                        std::int64_t now_ts,
                                        const RoomRules& rules,
                                        const Verifier& verifier) {
    const json::Value* time = pdu.find("origin_server_ts");
    const std::int64_t* origin_server_ts = time ? time->if_integer() : nullptr;
    const std::string covered = write_redacted_unsigned(pdu, rules);
    SignatureVerdict verdict = SignatureVerdict::NoKnownKey;
    for (const SignatureRef& ref : list_signatures(pdu)) {
        const auto known = keys.find(ref.key_id);
        if (ref.entity != server.view() || known == keys.end()) continue;
        const ServerKey& key = known->second;
        // A time beyond canonical JSON is later than any key's.
        if (!is_key_valid_for(
                key, origin_server_ts ? *origin_server_ts : INT64_MAX, now_ts, rules)) {
            SIM_SOMETIMES("a key is not valid at the time of an event");
            continue;
        }
        if (!verifier.is_valid(key.public_key, covered, ref.signature)) {
            SIM_SOMETIMES("a signature is wrong");
            return SignatureVerdict::Invalid;
        }
        SIM_SOMETIMES(key.is_old, "an old key verifies an event");
        verdict = SignatureVerdict::Valid;
    }
    return verdict;
}

}  // namespace matrix
