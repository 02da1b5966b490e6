// Every test vector of fixtures/vectors against our implementation.
//
// Spec: https://spec.matrix.org/v1.19/appendices/

#include <fstream>
#include <functional>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "refserver/protocol/base64.h"
#include "refserver/protocol/event_hash.h"
#include "refserver/protocol/redaction.h"
#include "refserver/protocol/server_keys.h"
#include "refserver/protocol/signatures.h"
#include "refserver/protocol/x_matrix.h"

namespace matrix {
namespace {

using Vector = nlohmann::json;  // A parser that is not under test.

Vector load(const std::string& name) {
    std::ifstream file("fixtures/vectors/" + name + ".json");
    return Vector::parse(file);
}

std::string text(const Vector& row, const char* key) {
    return row.at(key).get<std::string>();
}

void for_each_case(const Vector& file, const std::function<void(const Vector&)>& check) {
    ASSERT_FALSE(file.at("cases").empty());
    for (const Vector& row : file.at("cases")) {
        SCOPED_TRACE(text(row, "name"));
        check(row);
    }
}

void for_each_version(const Vector& row, const std::function<void(const RoomRules&)>& check) {
    for (const Vector& version : row.at("room_versions")) {
        SCOPED_TRACE("room version " + version.get<std::string>());
        const RoomRules* rules = find_room_rules(version.get<std::string>());
        ASSERT_NE(rules, nullptr);
        check(*rules);
    }
}

json::Object object_of(const Vector& value) {
    auto parsed = json::parse(value.dump(), json::Numbers::Any);
    EXPECT_TRUE(parsed && parsed->is_object());
    return *parsed->if_object();
}

std::string canonical(const Vector& value) {
    return json::write(object_of(value));
}

std::unique_ptr<Signer> signer_of(const Vector& file) {
    const auto seed = decode_base64(text(file, "seed"));
    return make_ed25519_signer(KeyId(text(file, "key_id")), seed.value());
}

std::string bytes_of_hex(const std::string& hex) {
    std::string bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    }
    return bytes;
}

TEST(Vectors, Base64) {
    for_each_case(load("base64"), [](const Vector& row) {
        const std::string bytes = bytes_of_hex(text(row, "hex"));
        EXPECT_EQ(encode_base64(bytes), text(row, "base64"));
        EXPECT_EQ(encode_base64_url(bytes), text(row, "base64_url"));
        EXPECT_EQ(decode_base64(text(row, "base64")), bytes);
        EXPECT_EQ(decode_base64_url(text(row, "base64_url")), bytes);
    });
}

void check_canonical(const Vector& input, const Vector& expected, json::Numbers numbers) {
    const auto value = json::parse(input.get<std::string>(), numbers);
    EXPECT_EQ(value.has_value(), !expected.is_null());
    if (value && !expected.is_null()) {
        EXPECT_EQ(json::write(*value), expected.get<std::string>());
    }
}

TEST(Vectors, CanonicalJson) {
    for_each_case(load("canonical_json"), [](const Vector& row) {
        check_canonical(row.at("input"), row.at("strict"), json::Numbers::Canonical);
        check_canonical(row.at("input"), row.at("lenient"), json::Numbers::Any);
    });
}

TEST(Vectors, JsonSigning) {
    const Vector file = load("json_signing");
    const auto signer = signer_of(file);
    for_each_case(file, [&](const Vector& row) {
        json::Object object = object_of(row.at("object"));
        sign_json(object, text(file, "entity"), *signer);
        EXPECT_EQ(json::write(object), canonical(row.at("signed")));
    });
}

TEST(Vectors, EventSigning) {
    const Vector file = load("event_signing");
    const auto signer = signer_of(file);
    const ServerName server(text(file, "entity"));
    for_each_case(file, [&](const Vector& row) {
        for_each_version(row, [&](const RoomRules& rules) {
            json::Object pdu = object_of(row.at("pdu"));
            hash_and_sign_event(pdu, server, *signer, rules);
            EXPECT_EQ(json::write(pdu), canonical(row.at("signed")));
            EXPECT_TRUE(has_valid_content_hash(pdu));
            EXPECT_EQ(encode_base64(view(reference_hash(pdu, rules))), text(row, "reference_hash"));
            if (row.contains("event_id")) {
                EXPECT_EQ(event_id_of(pdu, rules).value().text(), text(row, "event_id"));
            }
        });
    });
}

TEST(Vectors, Redaction) {
    for_each_case(load("redaction"), [](const Vector& row) {
        for_each_version(row, [&](const RoomRules& rules) {
            EXPECT_EQ(json::write(redact(object_of(row.at("pdu")), rules)),
                      canonical(row.at("redacted")));
        });
    });
}

TEST(Vectors, EventFormat) {
    for_each_case(load("event_format"), [](const Vector& row) {
        for_each_version(row, [&](const RoomRules& rules) {
            const auto event = parse_event(text(row, "pdu"), rules);
            ASSERT_EQ(event.has_value(), row.contains("event_id"));
            if (event) {
                EXPECT_EQ(event->id.text(), text(row, "event_id"));
            } else {
                EXPECT_EQ(event.error().field, text(row, "refused_field"));
            }
        });
    });
}

TEST(Vectors, EventSignatures) {
    for_each_case(load("event_signatures"), [](const Vector& row) {
        std::map<KeyId, ServerKey> keys;
        for (const auto& [id, key] : row.at("keys").items()) {
            const auto bytes = decode_base64(text(key, "key"));
            keys[KeyId(id)] = {bytes.value(), key.at("valid_until_ts").get<std::int64_t>(), false};
        }
        for_each_version(row, [&](const RoomRules& rules) {
            std::ostringstream verdict;
            verdict << check_event_signatures(object_of(row.at("pdu")),
                                              ServerName(text(row, "server")),
                                              keys,
                                              row.at("now_ts").get<std::int64_t>(),
                                              rules,
                                              ed25519_verifier());
            EXPECT_EQ(verdict.str(), text(row, "verdict"));
        });
    });
}

bool is_valid(const std::string& kind, const std::string& id) {
    if (kind == "server_name") return parse_server_name(id).has_value();
    if (kind == "user_id") return parse_user_id(id).has_value();
    if (kind == "room_id") return parse_room_id(id).has_value();
    if (kind == "room_alias") return parse_room_alias(id).has_value();
    if (kind == "event_id") return parse_event_id(id).has_value();
    EXPECT_EQ(kind, "key_id");
    return parse_key_id(id).has_value();
}

TEST(Vectors, Identifiers) {
    for_each_case(load("identifiers"), [](const Vector& row) {
        const std::string id = text(row, "text");
        EXPECT_EQ(is_valid(text(row, "kind"), id), row.at("is_valid").get<bool>());
        if (row.contains("is_strict")) {
            EXPECT_EQ(parse_user_id(id, UserIdGrammar::Strict).has_value(),
                      row.at("is_strict").get<bool>());
        }
        if (!row.contains("host")) return;
        const auto parts = split_server_name(ServerName(id));
        ASSERT_TRUE(parts.has_value());
        EXPECT_EQ(parts->host, text(row, "host"));
        EXPECT_EQ(parts->port ? Vector(*parts->port) : Vector(nullptr), row.at("port"));
    });
}

TEST(Vectors, XMatrix) {
    for_each_case(load("x_matrix"), [](const Vector& row) {
        const auto parsed = parse_x_matrix(text(row, "header"));
        ASSERT_EQ(parsed.has_value(), !row.at("parsed").is_null());
        if (!parsed) return;
        const Vector& expected = row.at("parsed");
        EXPECT_EQ(parsed->origin.text(), text(expected, "origin"));
        EXPECT_EQ(parsed->destination.has_value(), expected.contains("destination"));
        if (parsed->destination) {
            EXPECT_EQ(parsed->destination->text(), text(expected, "destination"));
        }
        EXPECT_EQ(parsed->key_id.text(), text(expected, "key_id"));
        EXPECT_EQ(parsed->signature, decode_base64(text(expected, "signature")));
    });
}

}  // namespace
}  // namespace matrix
