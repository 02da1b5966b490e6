// Headers: names without regard to case, order kept.
#include "refserver/runtime/http.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace matrix::runtime {
namespace {

TEST(Headers, FindsTheFirstFieldOfANameInAnyCase) {
    const Headers headers{{"Accept", "a"}, {"X-Forwarded-For", "1"}, {"x-forwarded-for", "2"}};
    ASSERT_NE(headers.find("x-FORWARDED-for"), nullptr);
    EXPECT_EQ(*headers.find("x-FORWARDED-for"), "1");
    EXPECT_EQ(headers.find("x-forwarded"), nullptr);
    EXPECT_EQ(headers.find_all("X-Forwarded-For"), (std::vector<std::string>{"1", "2"}));
    EXPECT_TRUE(headers.find_all("").empty());
}

TEST(Headers, KeepTheirOrder) {
    Headers headers;
    headers.add("B", "1");
    headers.add("A", "2");
    std::string names;
    for (const auto& [name, value] : headers)
        names += name + value;
    EXPECT_EQ(names, "B1A2");
    EXPECT_EQ(headers.size(), 2U);
}

TEST(EqualIgnoringCase, FoldsAsciiLettersOnly) {
    EXPECT_TRUE(equal_ignoring_case("Content-Type", "content-tYPE"));
    EXPECT_FALSE(equal_ignoring_case("a", "ab"));
    // '@' and '[' surround the capitals, '`' and '{' the small letters.
    EXPECT_FALSE(equal_ignoring_case("@[", "`{"));
    EXPECT_FALSE(equal_ignoring_case("\xc3\x84", "\xc3\xa4"));
}

}  // namespace
}  // namespace matrix::runtime
