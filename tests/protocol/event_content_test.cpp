// Which texts and numbers are power levels.

#include "refserver/protocol/event_content.h"

#include <limits>

#include <gtest/gtest.h>

namespace matrix {
namespace {

constexpr auto kFloats = PowerLevelSyntax::IntegersStringsAndFloats;
constexpr auto kStrings = PowerLevelSyntax::IntegersAndStrings;
constexpr auto kIntegers = PowerLevelSyntax::Integers;
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();

void check(const json::Value& value,
           PowerLevelSyntax syntax,
           std::optional<std::int64_t> expected) {
    EXPECT_EQ(parse_power_level(value, syntax), expected) << value;
}

TEST(PowerLevel, IsAnIntegerInEveryVersion) {
    for (const PowerLevelSyntax syntax : {kFloats, kStrings, kIntegers}) {
        check(0, syntax, 0);
        check(-50, syntax, -50);
        check(json::kIntegerMax, syntax, json::kIntegerMax);
        for (const json::Value& other : {json::Value(),
                                         json::Value(true),
                                         json::Value(json::Array{}),
                                         json::Value(json::Object{})}) {
            check(other, syntax, std::nullopt);
        }
    }
}

TEST(PowerLevel, IsAStringOfDigitsUpToVersion9) {
    struct Row {
        const char* text;
        std::optional<std::int64_t> level;
    };
    const std::vector<Row> rows = {
        {"100", 100},
        {"000100", 100},
        {"+100", 100},
        {"-100", -100},
        {" 100 ", 100},
        {"\t 00100\n", 100},
        {" +7 ", 7},
        {"-0", 0},
        {"", std::nullopt},
        {" ", std::nullopt},
        {"+", std::nullopt},
        {"--1", std::nullopt},
        {"+-1", std::nullopt},
        {"- 1", std::nullopt},
        {"1 0", std::nullopt},
        {"1.0", std::nullopt},
        {"1e3", std::nullopt},
        {"1_000", std::nullopt},
        {"0x10", std::nullopt},
        {"１２", std::nullopt},
        {"\u00a07", std::nullopt},
        {"9223372036854775807", kMax},
        {"9223372036854775808", kMax},
        {"-9223372036854775808", kMin},
        {"-9223372036854775809", kMin},
        {"9223372036854775806", kMax - 1},
        {"1000000000000000000000000000000", kMax},
    };
    for (const Row& row : rows) {
        check(row.text, kStrings, row.level);
        check(row.text, kFloats, row.level);
        check(row.text, kIntegers, std::nullopt);
    }
}

TEST(PowerLevel, IsATruncatedFloatUpToVersion5) {
    struct Row {
        const char* text;
        std::optional<std::int64_t> level;
    };
    const std::vector<Row> rows = {
        {"5.114698E4", 51146},
        {"50.57", 50},
        {"-0.5", 0},
        {"-50.99", -50},
        {"1e15", 1000000000000000},
        {"9007199254740993.0", 9007199254740993},
        {"0.001e3", 1},
        {"12345e-2", 123},
        {"1e-400", 0},
        {"0e999999999999", 0},
        {"-0", 0},
        {"9007199254740993", 9007199254740993},
        {"1e300", kMax},
        {"-1e300", kMin},
        {"1e308", kMax},
        {"1.7976931348623157e308", kMax},
        {"1.7976931348623159e308", std::nullopt},
        {"-1.8e308", std::nullopt},
        {"1e400", std::nullopt},
        {"1e99999999999999999999", std::nullopt},
        {"1e-99999999999999999999", 0},
    };
    for (const Row& row : rows) {
        check(json::OtherNumber{row.text}, kFloats, row.level);
        check(json::OtherNumber{row.text}, kStrings, std::nullopt);
        check(json::OtherNumber{row.text}, kIntegers, std::nullopt);
    }
}

TEST(Membership, HasANameThatFindsIt) {
    for (const Membership membership : {Membership::Join,
                                        Membership::Invite,
                                        Membership::Leave,
                                        Membership::Ban,
                                        Membership::Knock}) {
        EXPECT_EQ(find_membership(name_of(membership)), membership);
    }
    EXPECT_EQ(find_membership("Join"), std::nullopt);
}

}  // namespace
}  // namespace matrix
