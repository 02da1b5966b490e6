#include "refserver/engine/dispatch.h"

#include <gtest/gtest.h>

#include "tests/engine/client_world.h"

namespace matrix::engine {
namespace {

runtime::HttpRequest raw(std::string method, std::string target, std::string body = "") {
    runtime::HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    return request;
}

void expect_error(const ClientAnswer& answer, int status, std::string_view errcode) {
    EXPECT_EQ(answer.status, status) << answer.text;
    EXPECT_EQ(answer.errcode(), errcode) << answer.text;
}

TEST(Dispatch, AnswersUnknownEndpointsWith404AndWrongMethodsWith405) {
    ClientWorld world;
    for (const char* target : {"/",
                               "/_matrix",
                               "/_matrix/client/v3/nothing",
                               "/_matrix/client/v3/login/",
                               "/_matrix/client/v3/login/extra",
                               "/_matrix/client/v99/login",
                               "//_matrix/client/versions"}) {
        expect_error(world.send(raw("GET", target)), 404, "M_UNRECOGNIZED");
    }
    const ClientAnswer wrong = world.send(raw("PATCH", "/_matrix/client/v3/login"));
    expect_error(wrong, 405, "M_UNRECOGNIZED");
    ASSERT_NE(wrong.headers.find("Allow"), nullptr);
    EXPECT_EQ(*wrong.headers.find("Allow"), "GET, OPTIONS, POST");
}

TEST(Dispatch, PutsCorsFieldsOnEveryClientAnswer) {
    ClientWorld world;
    const ClientAnswer options = world.send(raw("OPTIONS", "/_matrix/client/v3/nothing?x=%zz"));
    EXPECT_EQ(options.status, 200);
    const std::vector<ClientAnswer> answers{
        options,
        world.send(raw("GET", "/_matrix/client/versions")),
        world.send(raw("GET", "/nothing")),
        world.send(raw("DELETE", "/_matrix/client/versions")),
        world.send(raw("GET", "/_matrix/client/v3/sync")),
    };
    for (const ClientAnswer& answer : answers) {
        ASSERT_NE(answer.headers.find("Access-Control-Allow-Origin"), nullptr);
        EXPECT_EQ(*answer.headers.find("Access-Control-Allow-Origin"), "*");
        EXPECT_NE(answer.headers.find("Access-Control-Allow-Headers"), nullptr);
        EXPECT_EQ(*answer.headers.find("Content-Type"), "application/json");
    }
}

TEST(Dispatch, AsksForATokenBeforeItLooksAtAnythingElse) {
    ClientWorld world;
    expect_error(world.call("", "POST", "/createRoom", "not an object"), 401, "M_MISSING_TOKEN");
    const ClientAnswer unknown = world.call("nobody's", "GET", "/account/whoami");
    expect_error(unknown, 401, "M_UNKNOWN_TOKEN");
    ASSERT_NE(unknown.at({"soft_logout"}), nullptr);
    EXPECT_EQ(*unknown.at({"soft_logout"}), json::Value(false));

    EXPECT_EQ(world.call("", "GET", "/account/whoami?access_token=" + world.token(0)).status, 200);
    runtime::HttpRequest basic = world.make_request("", "GET", "/account/whoami");
    basic.headers.add("Authorization", "Basic " + world.token(0));
    expect_error(world.send(basic), 401, "M_MISSING_TOKEN");
    runtime::HttpRequest lower_case = world.make_request("", "GET", "/account/whoami");
    lower_case.headers.add("authorization", "bearer " + world.token(0));
    EXPECT_EQ(world.send(lower_case).status, 200);
}

TEST(Dispatch, TellsBodiesThatAreNoJsonFromThoseOfTheWrongType) {
    ClientWorld world;
    const auto send = [&](std::string body) {
        runtime::HttpRequest request = world.make_request(world.token(0), "POST", "/createRoom");
        request.body = std::move(body);
        return world.send(std::move(request));
    };
    for (const char* body : {"",
                             "{",
                             "{}x",
                             "{'a':1}",
                             "\xEF\xBB\xBF{}",
                             "{\"a\":1,\"a\":2}",
                             "{\"a\":\"\xFF\"}",
                             "{\"a\":\"\\ud800\"}"}) {
        expect_error(send(body), 400, "M_NOT_JSON");
    }
    for (const char* body : {"[]", "null", "\"x\"", "1", "{\"name\":1}", "{\"invite\":{}}"}) {
        expect_error(send(body), 400, "M_BAD_JSON");
    }
    const std::string deep = std::string(200, '[') + std::string(200, ']');
    expect_error(send(deep), 400, "M_NOT_JSON");
    expect_error(send(std::string(kClientBodyBytesMax + 1, ' ')), 413, "M_TOO_LARGE");
}

TEST(Dispatch, RefusesWhatIsNotPercentEncoded) {
    ClientWorld world;
    expect_error(world.call(world.token(0), "GET", "/rooms/%zz/state"), 400, "M_INVALID_PARAM");
    expect_error(world.call(world.token(0), "GET", "/rooms/%ff/state"), 400, "M_INVALID_PARAM");
    expect_error(world.call(world.token(0), "GET", "/sync?since=%f"), 400, "M_INVALID_PARAM");
    expect_error(
        world.call(world.token(0), "GET", "/rooms/nonsense/state"), 400, "M_INVALID_PARAM");
}

TEST(Dispatch, ServesTheOldPrefix) {
    ClientWorld world;
    EXPECT_EQ(world.send(raw("GET", "/_matrix/client/r0/login")).status, 200);
}

TEST(Target, IsSplitInWhateverFormItComes) {
    EXPECT_EQ(split_target("/a/b?c=d?e").path, "/a/b");
    EXPECT_EQ(split_target("/a/b?c=d?e").query, "c=d?e");
    EXPECT_EQ(split_target("http://host:80/a?b").path, "/a");
    EXPECT_EQ(split_target("http://host").path, "/");
    EXPECT_EQ(split_target("/a://b").path, "/a://b");
}

}  // namespace
}  // namespace matrix::engine
