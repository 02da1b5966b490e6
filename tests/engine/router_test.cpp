#include "refserver/engine/router.h"

#include <array>

#include <gtest/gtest.h>

#include "refserver/engine/client_server.h"

namespace matrix::engine {
namespace {

using enum Authentication;

constexpr std::array kTestRoutes{
    Route{"GET", "/a/rooms/{roomId}/state", None, RateLimit::None, &ClientServer::get_state},
    Route{"GET", "/a/rooms/{roomId}/state/{type}", None, RateLimit::None, &ClientServer::sync},
    Route{"PUT", "/a/rooms/{roomId}/state/{type}/", None, RateLimit::None, &ClientServer::sync},
    Route{
        "PUT", "/a/rooms/{roomId}/state/{type}/{key}", None, RateLimit::None, &ClientServer::sync},
    Route{"POST", "/a/register", None, RateLimit::None, &ClientServer::sync},
    Route{"GET", "/a/register/available", None, RateLimit::None, &ClientServer::sync},
    Route{"GET", "/a/{any}/available/{thing}", None, RateLimit::None, &ClientServer::sync},
};

struct Expected {
    std::string_view template_path;  ///< Empty: no route.
    std::vector<std::string> values;
};

void check(std::string_view method, std::string_view path, const Expected& expected) {
    SCOPED_TRACE(path);
    const RouteMatch match = Router(kTestRoutes).match(method, path);
    ASSERT_EQ(match.route != nullptr, !expected.template_path.empty());
    if (!match.route) return;
    EXPECT_EQ(match.route->path, expected.template_path);
    EXPECT_TRUE(match.is_encoding_valid);
    EXPECT_EQ(match.values, expected.values);
}

TEST(Router, MatchesTheRawPathAndDecodesEachSegmentAfterwards) {
    check("GET", "/a/rooms/!x%3Ay/state", {"/a/rooms/{roomId}/state", {"!x:y"}});
    check("GET", "/a/rooms/!a%2Fb/state", {"/a/rooms/{roomId}/state", {"!a/b"}});
    check("GET", "/a/rooms/!a%2Fb/state/m.x", {"/a/rooms/{roomId}/state/{type}", {"!a/b", "m.x"}});
    check("GET", "/a/rooms/%F0%9F%8D%95/state", {"/a/rooms/{roomId}/state", {"\xF0\x9F\x8D\x95"}});
}

TEST(Router, LeavesAPlusInAPathAPlus) {
    check("GET", "/a/rooms/a+b%20c/state", {"/a/rooms/{roomId}/state", {"a+b c"}});
}

TEST(Router, TakesATrailingSlashOnlyWhereATemplateHasOne) {
    check("PUT", "/a/rooms/r/state/t/", {"/a/rooms/{roomId}/state/{type}/", {"r", "t"}});
    check("PUT", "/a/rooms/r/state/t/k", {"/a/rooms/{roomId}/state/{type}/{key}", {"r", "t", "k"}});
    check("GET", "/a/rooms/r/state/", {});
    check("POST", "/a/register/", {});
}

TEST(Router, RefusesWhatIsNoTemplate) {
    for (const std::string_view path : {"",
                                        "/",
                                        "a/register",
                                        "/a",
                                        "/a/register/x",
                                        "/a/rooms//state",
                                        "/a/rooms/r/state/t/k/x",
                                        "/A/register",
                                        "/a//register"}) {
        check("GET", path, {});
    }
}

TEST(Router, PrefersLiteralsAndGoesBackIfTheyLeadNowhere) {
    check("GET", "/a/register/available", {"/a/register/available", {}});
    check("GET", "/a/register/available/x", {"/a/{any}/available/{thing}", {"register", "x"}});
}

TEST(Router, TellsTheMethodsOfAKnownPath) {
    const RouteMatch match = Router(kTestRoutes).match("DELETE", "/a/register");
    EXPECT_EQ(match.route, nullptr);
    EXPECT_EQ(match.allow, std::vector<std::string>{"POST"});
    EXPECT_TRUE(Router(kTestRoutes).match("DELETE", "/a/nothing").allow.empty());
}

TEST(Router, TellsInvalidEncodings) {
    for (const std::string_view raw :
         {"%", "%4", "%zz", "a%2", "%ff", "%c0%80", "%ed%a0%80", "%f4%90%80%80", "%e2%82"}) {
        const RouteMatch match =
            Router(kTestRoutes).match("GET", "/a/rooms/" + std::string(raw) + "/state");
        ASSERT_NE(match.route, nullptr) << raw;
        EXPECT_FALSE(match.is_encoding_valid) << raw;
    }
}

TEST(Router, HasAValidTableOfAllRoutes) {
    const Router router(all_routes());
    for (const Route& route : all_routes()) {
        const RouteMatch match = router.match(route.method, route.path);
        EXPECT_EQ(match.route, &route) << route.method << " " << route.path;
    }
}

TEST(Query, DecodesPlusAsSpaceAndKeepsTheOrderOfEqualNames) {
    const auto query = decode_query("via=b&via=a&q=x+y%2Bz&empty=&bare&&");
    ASSERT_TRUE(query);
    const Query expected{{"bare", ""}, {"empty", ""}, {"q", "x y+z"}, {"via", "b"}, {"via", "a"}};
    EXPECT_EQ(*query, expected);
    EXPECT_FALSE(decode_query("a=%zz"));
    EXPECT_FALSE(decode_query("%ff=1"));
}

}  // namespace
}  // namespace matrix::engine
