// OpenID tokens: good for an hour.
#include <gtest/gtest.h>

#include "tests/engine/client_world.h"

namespace matrix::engine {
namespace {

ClientAnswer ask_whose(ClientWorld& world, const std::string& token) {
    runtime::HttpRequest request;
    request.method = "GET";
    request.target = "/_matrix/federation/v1/openid/userinfo?access_token=" + token;
    return world.send(std::move(request));
}

TEST(OpenId, TokensEndAfterTheirTime) {
    ClientWorld world;
    const std::string path = "/user/" + segment(world.id(0)) + "/openid/request_token";
    const ClientAnswer given = world.call(world.token(0), "POST", path, json::Object{});
    ASSERT_EQ(given.status, 200) << given.text;
    const std::string token = given.string_at({"access_token"});
    const std::int64_t lifetime_ms = *given.at({"expires_in"})->if_integer() * 1000;

    world.run(lifetime_ms - 60'000);
    const ClientAnswer before = ask_whose(world, token);
    world.run(120'000);
    const ClientAnswer after = ask_whose(world, token);

    EXPECT_EQ(before.status, 200) << before.text;
    EXPECT_EQ(before.string_at({"sub"}), world.id(0));
    EXPECT_EQ(after.status, 401);
    EXPECT_EQ(after.errcode(), "M_UNKNOWN_TOKEN");
}

}  // namespace
}  // namespace matrix::engine
