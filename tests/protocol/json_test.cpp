// JSON: limits, access to values, and behaviour that is no law of all values.

#include "refserver/protocol/json.h"

#include <array>
#include <sstream>

#include <gtest/gtest.h>

namespace matrix::json {
namespace {

TEST(Json, SaysWhereAndWhatItExpected) {
    struct Row {
        std::string_view text;
        std::size_t offset;
        std::string_view what;
    };
    const Row rows[] = {
        {"", 0, "a JSON value"},
        {"[1,]", 3, "a JSON value"},
        {"{\"a\":1 \"b\":2}", 7, "\",\" or \"}\""},
        {"{\"a\":1,\"a\":2}", 13, "keys that are unique"},
        {"[\"\\ud800\"]", 2, "no lone surrogate"},
        {"[1] 2", 4, "the end of the document"},
        {"[\"a\xff\"]", 3, "valid UTF-8"},
        {"[01]", 1, "no leading zeros"},
        {"[\"\\u12zz\"]", 2, "four hexadecimal digits"},
        {"[\"\\ud83d\\n\"]", 2, "no lone surrogate"},
        {"[\"\\ud83d\\u12zz\"]", 2, "four hexadecimal digits"},
        {"[\"\\ud83d\\ue000\"]", 2, "no lone surrogate"},
    };
    for (const Row& row : rows) {
        const auto parsed = parse(row.text);
        ASSERT_FALSE(parsed) << row.text;
        EXPECT_EQ(parsed.error().offset, row.offset) << row.text;
        EXPECT_EQ(parsed.error().what, row.what) << row.text;
    }
}

std::string nested(std::size_t depth) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i)
        text += i % 2 == 0 ? "[" : "{\"a\":";
    text += "1";
    for (std::size_t i = depth; i > 0; --i)
        text += i % 2 == 1 ? "]" : "}";
    return text;
}

TEST(Json, TakesTheAllowedDepthAndNoMore) {
    for (const std::size_t limit : {std::size_t{1}, std::size_t{100}, kDepthMax}) {
        const ParseLimits limits = {.depth_max = limit};
        const auto deepest = parse(nested(limit), Numbers::Canonical, limits);
        ASSERT_TRUE(deepest) << limit;
        EXPECT_EQ(depth_of(*deepest), limit);
        EXPECT_EQ(write(*deepest), nested(limit));
        EXPECT_FALSE(parse(nested(limit + 1), Numbers::Canonical, limits)) << limit;
    }
}

TEST(Json, TakesTheAllowedSizeAndNoMore) {
    EXPECT_TRUE(parse("[1,2]", Numbers::Canonical, {.bytes_max = 5}));
    const auto refused = parse("[1,2]", Numbers::Canonical, {.bytes_max = 4});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().offset, 4U);
}

// What a slow or recursive parser would fall over: a mebibyte of one token.
TEST(Json, AnswersQuicklyForAMebibyteOfAnything) {
    constexpr std::size_t kSize = 1 << 20;
    for (const std::string_view unit : {"[",
                                        "{\"\":",
                                        "\"",
                                        "\\",
                                        "9",
                                        "-",
                                        " ",
                                        "[1,",
                                        "\"\\u0000",
                                        "1e",
                                        "\xf0",
                                        "{\"a\":[",
                                        "\xef\xbb\xbf"}) {
        std::string text;
        while (text.size() < kSize)
            text += unit;
        for (const Numbers numbers : {Numbers::Canonical, Numbers::Any}) {
            const auto parsed = parse(text, numbers);
            EXPECT_EQ(parsed.has_value(), unit == "9" && numbers == Numbers::Any) << unit;
        }
    }
}

TEST(Json, FindsEveryByteThatEndsARunOfPlainText) {
    // Runs of every length around the eight bytes that are scanned at once.
    for (std::size_t length = 0; length < 20; ++length) {
        for (const std::string_view stop : {"\"", "\\", "\n", "\x1f", "\x7f", "é", "\U0001F600"}) {
            const std::string text = std::string(length, 'a') + std::string(stop) + "tail";
            const auto parsed = parse(write(Value(text)));
            ASSERT_TRUE(parsed) << write(Value(text));
            EXPECT_EQ(*parsed->if_string(), text);
        }
        const std::string raw_control = "\"" + std::string(length, 'a') + "\x1f\"";
        EXPECT_FALSE(parse(raw_control)) << length;
        EXPECT_FALSE(parse("\"" + std::string(length, 'a') + "\x80\"")) << length;
    }
}

TEST(Json, RefusesTextThatIsNoUtf8) {
    for (const std::string_view bytes : {"\x80",
                                         "\xc0\xaf",
                                         "\xc1\xbf",
                                         "\xc3",
                                         "\xe0\x9f\xbf",
                                         "\xed\xa0\x80",
                                         "\xed\xbf\xbf",
                                         "\xe2\x82",
                                         "\xf0\x8f\xbf\xbf",
                                         "\xf4\x90\x80\x80",
                                         "\xf5\x80\x80\x80",
                                         "\xff"}) {
        EXPECT_FALSE(parse("\"" + std::string(bytes) + "\"")) << ::testing::PrintToString(bytes);
    }
    for (const std::string_view bytes : {"\xc2\x80",
                                         "\xdf\xbf",
                                         "\xe0\xa0\x80",
                                         "\xed\x9f\xbf",
                                         "\xee\x80\x80",
                                         "\xef\xbf\xbf",
                                         "\xf0\x90\x80\x80",
                                         "\xf4\x8f\xbf\xbf"}) {
        EXPECT_TRUE(parse("\"" + std::string(bytes) + "\"")) << ::testing::PrintToString(bytes);
    }
}

TEST(Json, ResolvesEveryEscape) {
    const auto parsed = parse(R"(["\b\f\n\r\t\"\\\/","\u0041\u00e9\ue000\uffff\ud83d\ude00"])");
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*(*parsed->if_array())[0].if_string(), "\b\f\n\r\t\"\\/");
    EXPECT_EQ(*(*parsed->if_array())[1].if_string(), "A\u00e9\ue000\uffff\U0001F600");
}

TEST(JsonObject, KeepsKeysSortedAndUnique) {
    Object object = {{"b", 1}, {"a", 2}, {"b", 3}};
    EXPECT_EQ(write(object), R"({"a":2,"b":3})");
    object.set("aa", "x");
    object["b"] = nullptr;
    EXPECT_EQ(write(object), R"({"a":2,"aa":"x","b":null})");
    EXPECT_TRUE(object.erase("aa"));
    EXPECT_FALSE(object.erase("aa"));
    EXPECT_EQ(object, (Object{{"b", nullptr}, {"a", 2}}));
    EXPECT_FALSE(object.contains("c"));
}

TEST(JsonObject, LeavesOutKeysWhenAskedTo) {
    const Object object = {{"a", 1}, {"b", Object{{"a", 2}}}, {"c", 3}};
    constexpr std::array<std::string_view, 2> kEnds = {"a", "c"};
    constexpr std::array<std::string_view, 3> kAll = {"a", "b", "c"};
    EXPECT_EQ(write_without(object, kEnds), R"({"b":{"a":2}})");
    EXPECT_EQ(write_without(object, kAll), "{}");
}

TEST(JsonValue, GivesNothingForAnotherType) {
    const Value value = Object{{"s", "x"}, {"i", 1}, {"t", true}, {"a", Array{1}}, {"o", Object()}};
    EXPECT_EQ(*value.find_string("s"), "x");
    EXPECT_EQ(*value.find_integer("i"), 1);
    EXPECT_TRUE(*value.find_boolean("t"));
    EXPECT_EQ(value.find_array("a")->size(), 1U);
    EXPECT_TRUE(value.find_object("o")->empty());
    EXPECT_EQ(value.find_string("i"), nullptr);
    EXPECT_EQ(value.find_integer("t"), nullptr);
    EXPECT_EQ(value.find_boolean("s"), nullptr);
    EXPECT_EQ(value.find_array("o"), nullptr);
    EXPECT_EQ(value.find_object("a"), nullptr);
    EXPECT_EQ(value.find("missing"), nullptr);
    EXPECT_EQ(value.find_string("missing"), nullptr);
    EXPECT_EQ(value.find_integer("missing"), nullptr);
    EXPECT_EQ(value.find_boolean("missing"), nullptr);
    EXPECT_EQ(value.find_array("missing"), nullptr);
    EXPECT_EQ(value.find_object("missing"), nullptr);
    EXPECT_EQ(Value(1).find("s"), nullptr);
}

TEST(JsonValue, PrintsItselfAsCanonicalJson) {
    std::ostringstream out;
    out << Value(Array{1, "x", false, nullptr, OtherNumber{"1.5"}});
    EXPECT_EQ(out.str(), R"([1,"x",false,null,1.5])");
}

// Whatever code puts there: a text that is no number is not made one.
TEST(JsonValue, WritesOtherNumbersAsTheyAre) {
    for (const char* text :
         {"1e", "1e5x", "1E+", "1.0", "12345678901234567890e1", "1e99999999999"}) {
        EXPECT_EQ(write(Value(OtherNumber{text})), text);
    }
    EXPECT_EQ(write(Value(OtherNumber{"12E+2"})), "1200");
    EXPECT_EQ(write(Value(OtherNumber{"0e9999999"})), "0");
}

TEST(JsonValue, KnowsWhichNumbersAreCanonicalAlsoWhenWrittenByCode) {
    EXPECT_TRUE(has_only_canonical_numbers(Value(Array{kIntegerMax, kIntegerMin, "1.5"})));
    EXPECT_FALSE(has_only_canonical_numbers(Value(Array{Array{kIntegerMax + 1}})));
    EXPECT_FALSE(has_only_canonical_numbers(Value(kIntegerMin - 1)));
    EXPECT_FALSE(has_only_canonical_numbers(Object{{"a", OtherNumber{"1.0"}}}));
}

}  // namespace
}  // namespace matrix::json
