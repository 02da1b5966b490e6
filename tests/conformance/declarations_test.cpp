#include "conformance/harness/declarations.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace matrix::conformance {
namespace {

Declaration declaration_of(std::string_view id, std::vector<Row> rows = {}) {
    return {.requirement = {.id = id,
                            .place = "client-server-api/#syncing",
                            .text = "A sentence.",
                            .rows = std::move(rows)},
            .fixture_needs = {},
            .make = nullptr,
            .file = "sync_test.cpp",
            .line = 7};
}

TEST(Glob, MatchesStarsAndQuestionMarks) {
    EXPECT_TRUE(matches_glob("cs/sync/*", "cs/sync/returns-new-events"));
    EXPECT_TRUE(matches_glob("*limit*", "cs/sync/limit-is-kept"));
    EXPECT_TRUE(matches_glob("c?/*/*e", "cs/sync/one"));
    EXPECT_TRUE(matches_glob("**", ""));
    EXPECT_TRUE(matches_glob("a*b*c", "a-b-b-c"));
    EXPECT_FALSE(matches_glob("cs/sync", "cs/sync/one"));
    EXPECT_FALSE(matches_glob("a*b*c", "a-c-b"));
    EXPECT_FALSE(matches_glob("", "a"));
}

TEST(Filter, IncludesAndExcludes) {
    const Filter filter("cs/*,ss/send_join/*,!*slow*");
    EXPECT_TRUE(filter.matches("cs/sync/one"));
    EXPECT_TRUE(filter.matches("ss/send_join/one#v10"));
    EXPECT_FALSE(filter.matches("ss/invite/one"));
    EXPECT_FALSE(filter.matches("cs/sync/slow"));
}

TEST(Filter, ExcludesFromEverythingWhenNothingIsIncluded) {
    EXPECT_TRUE(Filter("").matches("cs/sync/one"));
    EXPECT_TRUE(Filter("!ss/*").matches("cs/sync/one"));
    EXPECT_FALSE(Filter("!ss/*").matches("ss/invite/one"));
}

TEST(Filter, ANameStandsForAllOfItsRows) {
    EXPECT_TRUE(Filter("cs/sync/one").matches("cs/sync/one#v10"));
    EXPECT_TRUE(Filter("cs/sync/one#v10").matches("cs/sync/one#v10"));
    EXPECT_FALSE(Filter("cs/sync/one#v11").matches("cs/sync/one#v10"));
}

TEST(Filter, KnowsOldNames) {
    EXPECT_TRUE(
        Filter("cs/sync/old", "# comment\ncs/sync/old\tcs/sync/new\n").matches("cs/sync/new"));
}

TEST(Declarations, AcceptsGoodOnes) {
    EXPECT_TRUE(check_declarations({declaration_of("cs/sync/one", {"a", "b"})}, "").empty());
}

TEST(Declarations, RefusesBadIds) {
    for (const char* id :
         {"cs/sync", "cs/sync/One", "/sync/one", "cs//one", "cs/sync/one/two", "cs/sync/"}) {
        EXPECT_EQ(check_declarations({declaration_of(id)}, "").size(), 1u) << id;
    }
}

TEST(Declarations, RefusesAnIdThatIsTaken) {
    const std::vector<Declaration> twice = {declaration_of("cs/sync/one"),
                                            declaration_of("cs/sync/one")};
    EXPECT_EQ(check_declarations(twice, "").size(), 1u);
    EXPECT_EQ(check_declarations({declaration_of("cs/sync/one", {"a", "a"})}, "").size(), 1u);
}

TEST(Declarations, RefusesAnIdThatWasRenamed) {
    const std::vector<Declaration> all = {declaration_of("cs/sync/one"),
                                          declaration_of("cs/sync/two")};
    EXPECT_TRUE(check_declarations(all, "cs/sync/zero\tcs/sync/one\n").empty());
    EXPECT_EQ(check_declarations(all, "cs/sync/two\tcs/sync/one\n").size(), 1u);
    EXPECT_EQ(check_declarations(all, "cs/sync/zero\tcs/sync/nowhere\n").size(), 1u);
}

TEST(Declarations, ListsRowsInTheOrderOfTheirTable) {
    const std::vector<Declaration> all = {declaration_of("cs/sync/two", {"z", "a"}),
                                          declaration_of("cs/sync/one")};
    std::vector<std::string> ids;
    for (const Case& one : list_cases(all))
        ids.push_back(one.id());
    EXPECT_EQ(ids, (std::vector<std::string>{"cs/sync/one", "cs/sync/two#z", "cs/sync/two#a"}));
}

}  // namespace
}  // namespace matrix::conformance
