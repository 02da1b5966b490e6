#include <gtest/gtest.h>

#include "tests/engine/client_world.h"

namespace matrix::engine {
namespace {

json::Object dummy() {
    return {{"type", "m.login.dummy"}};
}

ClientAnswer register_user(ClientWorld& world, const std::string& name) {
    return world.call("",
                      "POST",
                      "/register",
                      json::Object{{"username", name}, {"password", "secret"}, {"auth", dummy()}});
}

ClientAnswer log_in(ClientWorld& world, const json::Object& identifier, const char* password) {
    return world.call(
        "",
        "POST",
        "/login",
        json::Object{
            {"type", "m.login.password"}, {"identifier", identifier}, {"password", password}});
}

TEST(Registration, DemandsTheDummyStageFirst) {
    ClientWorld world;
    const ClientAnswer demand =
        world.call("", "POST", "/register", json::Object{{"username", "carl"}, {"password", "x"}});
    EXPECT_EQ(demand.status, 401);
    EXPECT_EQ(demand.errcode(), "");
    const json::Object flow{{"stages", json::Array{"m.login.dummy"}}};
    ASSERT_NE(demand.at({"flows"}), nullptr);
    EXPECT_EQ(*demand.at({"flows"}), json::Value(json::Array{flow}));

    json::Object auth = dummy();
    auth.set("session", demand.string_at({"session"}));
    const json::Object body{{"username", "carl"}, {"password", "x"}, {"auth", auth}};
    const ClientAnswer done = world.call("", "POST", "/register", body);
    EXPECT_EQ(done.status, 200) << done.text;
    EXPECT_EQ(done.string_at({"user_id"}), "@carl:" + world.user(0).id.server().text());
    EXPECT_EQ(world.call(done.string_at({"access_token"}), "GET", "/account/whoami").status, 200);
}

TEST(Registration, RefusesSessionsAndStagesThatItDoesNotKnow) {
    ClientWorld world;
    for (const json::Object& auth : {json::Object{{"type", "m.login.dummy"}, {"session", "mine"}},
                                     json::Object{{"type", "m.login.password"}}}) {
        const ClientAnswer answer =
            world.call("", "POST", "/register", json::Object{{"username", "carl"}, {"auth", auth}});
        EXPECT_EQ(answer.status, 401);
        EXPECT_NE(answer.errcode(), "");
        EXPECT_NE(answer.string_at({"session"}), "");
    }
}

TEST(Registration, ChecksTheNameBeforeAnyAuthentication) {
    ClientWorld world;
    ASSERT_EQ(register_user(world, "carl").status, 200);
    struct Row {
        const char* name;
        const char* errcode;
    };
    for (const Row& row : {Row{"carl", "M_USER_IN_USE"},
                           Row{"Carl", "M_INVALID_USERNAME"},
                           Row{"c:d", "M_INVALID_USERNAME"},
                           Row{"", "M_INVALID_USERNAME"},
                           Row{"\xC3\xA4", "M_INVALID_USERNAME"}}) {
        const ClientAnswer answer =
            world.call("", "POST", "/register", json::Object{{"username", row.name}});
        EXPECT_EQ(answer.status, 400) << row.name;
        EXPECT_EQ(answer.errcode(), row.errcode) << row.name;
        const ClientAnswer available =
            world.call("", "GET", "/register/available?username=" + segment(row.name));
        EXPECT_EQ(available.errcode(), row.errcode) << row.name;
    }
    EXPECT_EQ(world.call("", "GET", "/register/available?username=dora").status, 200);
}

TEST(Registration, HasNoGuestsAndMakesNamesUp) {
    ClientWorld world;
    EXPECT_EQ(world.call("", "POST", "/register?kind=guest", json::Object{}).status, 403);
    const ClientAnswer nameless =
        world.call("", "POST", "/register", json::Object{{"auth", dummy()}});
    EXPECT_EQ(nameless.status, 200);
    EXPECT_TRUE(nameless.string_at({"user_id"}).starts_with("@"));
}

TEST(Registration, LogsNobodyInIfThatIsNotWanted) {
    ClientWorld world;
    const ClientAnswer answer =
        world.call("",
                   "POST",
                   "/register",
                   json::Object{{"username", "carl"}, {"inhibit_login", true}, {"auth", dummy()}});
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.at({"access_token"}), nullptr);
    EXPECT_EQ(answer.at({"device_id"}), nullptr);
}

TEST(Login, TakesUserIdsAndLocalpartsOfBothForms) {
    ClientWorld world;
    const std::string id = register_user(world, "carl").string_at({"user_id"});
    for (const std::string& name : {id, std::string("carl")}) {
        const ClientAnswer answer =
            log_in(world, {{"type", "m.id.user"}, {"user", name}}, "secret");
        EXPECT_EQ(answer.status, 200) << answer.text;
        EXPECT_EQ(answer.string_at({"user_id"}), id);
    }
    const ClientAnswer legacy = world.call(
        "",
        "POST",
        "/login",
        json::Object{{"type", "m.login.password"}, {"user", "carl"}, {"password", "secret"}});
    EXPECT_EQ(legacy.status, 200) << legacy.text;
}

TEST(Login, SaysTheSameOfUnknownUsersAndWrongPasswords) {
    ClientWorld world;
    ASSERT_EQ(register_user(world, "carl").status, 200);
    const ClientAnswer wrong = log_in(world, {{"type", "m.id.user"}, {"user", "carl"}}, "no");
    const ClientAnswer unknown = log_in(world, {{"type", "m.id.user"}, {"user", "x"}}, "no");
    const ClientAnswer foreign = log_in(world, {{"type", "m.id.user"}, {"user", "@a:b"}}, "no");
    for (const ClientAnswer& answer : {wrong, unknown, foreign}) {
        EXPECT_EQ(answer.status, 403);
        EXPECT_EQ(answer.text, wrong.text);
        EXPECT_EQ(answer.errcode(), "M_FORBIDDEN");
    }
    const ClientAnswer bad_type =
        world.call("", "POST", "/login", json::Object{{"type", "m.login.magic"}});
    EXPECT_EQ(bad_type.status, 400);
    EXPECT_EQ(bad_type.errcode(), "M_UNKNOWN");
}

TEST(Logout, EndsOneDeviceOrAll) {
    ClientWorld world;
    const std::string first = register_user(world, "carl").string_at({"access_token"});
    const json::Object identifier{{"type", "m.id.user"}, {"user", "carl"}};
    const std::string second = log_in(world, identifier, "secret").string_at({"access_token"});
    const std::string third = log_in(world, identifier, "secret").string_at({"access_token"});
    EXPECT_EQ(world.call(first, "POST", "/logout").status, 200);
    EXPECT_EQ(world.call(first, "GET", "/account/whoami").errcode(), "M_UNKNOWN_TOKEN");
    EXPECT_EQ(world.call(second, "GET", "/account/whoami").status, 200);
    EXPECT_EQ(world.call(second, "POST", "/logout/all", json::Object{}).status, 200);
    EXPECT_EQ(world.call(third, "GET", "/account/whoami").errcode(), "M_UNKNOWN_TOKEN");
}

TEST(Login, TakesOverADeviceThatExists) {
    ClientWorld world;
    ASSERT_EQ(register_user(world, "carl").status, 200);
    const json::Object body{{"type", "m.login.password"},
                            {"identifier", json::Object{{"type", "m.id.user"}, {"user", "carl"}}},
                            {"password", "secret"},
                            {"device_id", "PHONE"}};
    const ClientAnswer first = world.call("", "POST", "/login", body);
    const ClientAnswer second = world.call("", "POST", "/login", body);
    EXPECT_EQ(second.string_at({"device_id"}), "PHONE");
    EXPECT_EQ(world.call(first.string_at({"access_token"}), "GET", "/account/whoami").status, 401);
    EXPECT_EQ(world.call(second.string_at({"access_token"}), "GET", "/account/whoami").status, 200);
}

}  // namespace
}  // namespace matrix::engine
