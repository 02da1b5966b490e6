// UTF-8: where a character ends, and what is none.

#include "refserver/protocol/utf8.h"

#include <gtest/gtest.h>

namespace matrix {
namespace {

struct Utf8Row {
    std::string_view bytes;
    std::size_t length;  // Of the first character; 0 if there is none.
};

TEST(Utf8, FindsTheLengthOfTheFirstCharacter) {
    const Utf8Row rows[] = {
        {"", 0},
        {"a", 1},
        {std::string_view("\0", 1), 1},
        {"\x7f", 1},
        {"\u00e9", 2},
        {"\u65e5x", 3},
        {"\U0001F600", 4},
        {"\x80", 0},
        {"\xc1\xbf", 0},
        {"\xc3", 0},
        {"\xc3\x28", 0},
        {"\xe0\x9f\xbf", 0},
        {"\xe2\x82", 0},
        {"\xe2\x82x", 0},
        {"\xed\xa0\x80", 0},
        {"\xf0\x8f\xbf\xbf", 0},
        {"\xf0\x9f", 0},
        {"\xf0\x9f\x98", 0},
        {"\xf0\x9fx\x80", 0},
        {"\xf0\x9f\x98x", 0},
        {"\xf4\x90\x80\x80", 0},
        {"\xf5\x80\x80\x80", 0},
        {"\xff", 0},
    };
    for (const Utf8Row& row : rows) {
        EXPECT_EQ(utf8_length(row.bytes), row.length) << ::testing::PrintToString(row.bytes);
        const bool is_one_character = row.length == row.bytes.size() || row.bytes.ends_with('x');
        if (is_one_character) {
            EXPECT_EQ(is_valid_utf8(row.bytes), row.length > 0 || row.bytes.empty());
        }
    }
    EXPECT_TRUE(is_valid_utf8("a\u00e9\u65e5\U0001F600"));
    EXPECT_FALSE(is_valid_utf8("a\u00e9\xe2\x82"));
}

TEST(Utf8, APrefixHasWholeCharacters) {
    EXPECT_EQ(utf8_prefix("abc", 5), "abc");
    EXPECT_EQ(utf8_prefix("abc", 2), "ab");
    EXPECT_EQ(utf8_prefix("ab\u00e9", 4), "ab\u00e9");
    EXPECT_EQ(utf8_prefix("ab\u00e9", 3), "ab");
    EXPECT_EQ(utf8_prefix("\U0001F600", 3), "");
    EXPECT_EQ(utf8_prefix("", 0), "");
}

}  // namespace
}  // namespace matrix
