// Who listens hears the answers that it asked for, as they leave.

#include "simulator/wiretap.h"

#include <gtest/gtest.h>

namespace matrix::simulator {
namespace {

using runtime::HttpRequest;
using runtime::HttpResponse;

HttpRequest get(std::string target) {
    HttpRequest request;
    request.method = "GET";
    request.target = std::move(target);
    return request;
}

TEST(Wiretap, HearsTheAnswersThatItAskedFor) {
    Wiretap wiretap;
    std::vector<int> heard;
    wiretap.add([&](const Heard& request) -> Hear {
        if (!request.is("GET", "/rooms/*/state")) return {};
        return [&](const HttpResponse& response) { heard.push_back(response.status); };
    });
    int answered = 0;
    for (const char* target : {"/rooms/%21a%3As/state?x=1", "/rooms/%21a%3As/members"}) {
        const HttpRequest request = get(target);
        wiretap.tap(0, request, [&](HttpResponse) { ++answered; })({.status = 207});
    }

    EXPECT_EQ(heard, std::vector<int>{207});
    EXPECT_EQ(answered, 2);
}

TEST(Wiretap, DecodesThePath) {
    Wiretap wiretap;
    std::vector<std::string> path;
    wiretap.add([&](const Heard& request) -> Hear {
        path = request.path;
        return {};
    });
    const HttpRequest request = get("/rooms/%21a%3As/state/?x=/y");
    wiretap.tap(0, request, [](HttpResponse) {})({});

    EXPECT_EQ(path, (std::vector<std::string>{"rooms", "!a:s", "state", ""}));
}

TEST(Wiretap, TellsPathsOfAnotherLengthApart) {
    const HttpRequest request = get("/a/b");
    const Heard heard{.server = 0, .request = request, .path = {"a", "b"}};
    EXPECT_TRUE(heard.is("GET", "/a/*"));
    EXPECT_FALSE(heard.is("PUT", "/a/*"));
    EXPECT_FALSE(heard.is("GET", "/a"));
    EXPECT_FALSE(heard.is("GET", "/a/b/c"));
}

}  // namespace
}  // namespace matrix::simulator
