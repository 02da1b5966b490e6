// Identifiers: edges of the grammars that the vectors do not show.
//
// Spec: https://spec.matrix.org/v1.19/appendices/#identifier-grammar

#include "refserver/protocol/identifiers.h"

#include <sstream>

#include <gtest/gtest.h>

namespace matrix {
namespace {

struct IdRow {
    std::string_view text;
    bool is_valid;
};

TEST(ServerNameGrammar, HasHostNamesAddressesAndPorts) {
    const IdRow rows[] = {
        {"a", true},
        {"1.2.3.4", true},
        {"1.2.3.4:80", true},
        {"1..3.4", true},   // A DNS name to the grammar.
        {"1.2.3.x", true},  // Likewise.
        {"1.2.3.4444", true},
        {"[::1]", true},
        {"[1:2:3:4:5:6:7:8]:1", true},
        {"[::ffff:1.2.3.4]", true},
        {"[ABCD:ef01::]", true},
        {"[::G]", false},
        {"[::g]", false},
        {"[::/]", false},
        {"[::`]", false},
        {"[::12345]", false},
        {"[1:2:3:4:5:6:7:8:9]", false},
        {"[:::]", false},
        {"[::1", false},
        {"[::1]x", false},
        {"a_b", false},
        {"a{", false},
        {"a[", false},
        {"a@", false},
        {"a:", false},
        {"a:x", false},
        {"a:123456", false},
        {"", false},
    };
    for (const IdRow& row : rows)
        EXPECT_EQ(parse_server_name(row.text).has_value(), row.is_valid) << row.text;
}

TEST(ServerNameGrammar, SplitsWhatItTakesAndNoPortAbove65535) {
    const auto parts = split_server_name(ServerName("[::1]:65535"));
    ASSERT_TRUE(parts);
    EXPECT_EQ(parts->host, "[::1]");
    EXPECT_EQ(parts->port, 65535);
    EXPECT_TRUE(parts->is_ip_literal);
    EXPECT_FALSE(split_server_name(ServerName("a.example:65536")));
    EXPECT_FALSE(split_server_name(ServerName("no name")));
}

TEST(KeyIdGrammar, HasAnAlgorithmAndAVersion) {
    const IdRow rows[] = {
        {"ed25519:1", true},
        {"ed_25519:a_B_9", true},
        {":1", false},
        {"Ed25519:1", false},
        {"ed-25519:1", false},
        {"ed25519:", false},
        {"ed25519:a-b", false},
        {"ed25519:a{", false},
        {"ed25519", false},
    };
    for (const IdRow& row : rows)
        EXPECT_EQ(parse_key_id(row.text).has_value(), row.is_valid) << row.text;
}

TEST(UserIdGrammar, RefusesLocalpartsThatAreNoText) {
    EXPECT_FALSE(parse_user_id("@\xff:a.example"));
    EXPECT_FALSE(parse_user_id(std::string_view("@\0:a.example", 12)));
    EXPECT_TRUE(parse_user_id("@\u00e9:a.example"));
    std::ostringstream out;
    out << parse_user_id("alice").error();
    EXPECT_FALSE(out.str().empty());
}

// Identifiers that were not checked: what they would name is empty, or all there is.
TEST(Identifier, TakesTextsApartThatAreNone) {
    EXPECT_EQ(UserId("@alice").localpart(), "alice");
    EXPECT_TRUE(UserId("@alice").server().empty());
    EXPECT_EQ(RoomId("!" + std::string(43, 'A')).server(), std::nullopt);
    EXPECT_EQ(EventId("$" + std::string(43, 'A')).server(), std::nullopt);
    EXPECT_EQ(RoomId("!r:a.example").server(), ServerName("a.example"));
}

}  // namespace
}  // namespace matrix
