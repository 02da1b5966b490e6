// The HTTP server's limits of size and time, and how it ends.

#include <string>

#include <gtest/gtest.h>

#include "refserver/platform/http_server.h"
#include "tests/platform/real_world.h"

namespace matrix::platform {
namespace {

using namespace std::string_literals;  // NOLINT(google-build-using-namespace)
using std::chrono::milliseconds;

std::string status_of(const std::string& answer) {
    return answer.substr(0, 12);
}

TEST(HttpServerLimits, RefusesALargeHead) {
    EchoServer server({.head_bytes_max = 4096});
    const std::string large(5000, 'x');
    const std::string fits(3000, 'x');
    for (const std::string& head : {"GET /" + large + " HTTP/1.1\r\nHost: a\r\n\r\n",
                                    "GET / HTTP/1.1\r\nHost: a\r\nX: " + large + "\r\n\r\n",
                                    "GET /" + large}) {
        EXPECT_EQ(status_of(RawClient(server.port()).ask(head)), "HTTP/1.1 431");
    }
    EXPECT_EQ(status_of(RawClient(server.port()).ask(get("/" + fits))), "HTTP/1.1 200");
}

TEST(HttpServerLimits, RefusesManyFields) {
    EchoServer server({.fields_max = 10});
    const auto with_fields = [](int count) {
        std::string request = "GET / HTTP/1.1\r\nHost: a\r\n";
        for (int i = 1; i < count; ++i)
            request += "X: y\r\n";
        return request + "\r\n";
    };
    EXPECT_EQ(status_of(RawClient(server.port()).ask(with_fields(10))), "HTTP/1.1 200");
    EXPECT_EQ(status_of(RawClient(server.port()).ask(with_fields(11))), "HTTP/1.1 431");
}

TEST(HttpServerLimits, RefusesALargeBodyBeforeItIsSent) {
    EchoServer server({.body_bytes_max = 1000});
    RawClient client(server.port());
    EXPECT_EQ(status_of(client.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n"
                                   "Expect: 100-continue\r\n\r\n")),
              "HTTP/1.1 413");
    const std::string fits(1000, 'x');
    EXPECT_EQ(
        status_of(RawClient(server.port())
                      .ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + fits)),
        "HTTP/1.1 200");
}

// A client that is still sending must read the 413, and not find its connection reset.
TEST(HttpServerLimits, TheAnswerToALargeBodyArrivesWhileItIsSent) {
    EchoServer server({.body_bytes_max = 1000});
    const std::string large(8'000'000, 'x');
    for (const std::string& head :
         {"Content-Length: 8000000\r\n\r\n"s, "Transfer-Encoding: chunked\r\n\r\n7a1200\r\n"s}) {
        RawClient client(server.port());
        client.send("POST / HTTP/1.1\r\nHost: a\r\n" + head + large);
        client.end_output();
        const auto answer = client.receive_all();
        ASSERT_TRUE(answer) << "the connection was reset";
        EXPECT_EQ(status_of(*answer), "HTTP/1.1 413");
    }
}

TEST(HttpServerLimits, RefusesAnEndlessChunkLine) {
    EchoServer server;
    RawClient client(server.port());
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;" +
                std::string(100'000, 'x'));
    EXPECT_EQ(status_of(client.receive()), "HTTP/1.1 400");
}

TEST(HttpServerLimits, ASlowHeadRunsOutOfTimeHoweverOftenAByteComes) {
    EchoServer server({.head_timeout = milliseconds(200)});
    RawClient client(server.port());
    const std::string head = get("/" + std::string(1000, 'x'));
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < 30; ++i) {
        client.send(head.substr(i, 1));
        std::this_thread::sleep_for(milliseconds(10));  // The client is slow: this is the test.
    }
    EXPECT_EQ(status_of(client.receive_all().value_or("reset")), "HTTP/1.1 408");
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(8));
}

TEST(HttpServerLimits, ASlowBodyRunsOutOfTime) {
    EchoServer server({.body_timeout = milliseconds(100)});
    RawClient client(server.port());
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab");
    EXPECT_EQ(status_of(client.receive_all().value_or("reset")), "HTTP/1.1 408");
}

TEST(HttpServerLimits, AnIdleConnectionIsClosedWithoutAWord) {
    EchoServer server({.head_timeout = milliseconds(100), .idle_timeout = milliseconds(100)});
    RawClient silent(server.port());
    RawClient idle(server.port());
    idle.ask(get("/ping"));
    EXPECT_EQ(silent.receive_all(), "");
    EXPECT_EQ(idle.receive_all(), "");
    server.expect_open(0);
}

// The timer of a head must not fire into a request that waits.
TEST(HttpServerLimits, AWaitingRequestHasNoTimeLimit) {
    EchoServer server({.head_timeout = milliseconds(30),
                       .body_timeout = milliseconds(30),
                       .write_timeout = milliseconds(30),
                       .idle_timeout = milliseconds(30)});
    RawClient waiting(server.port());
    waiting.send(get("/wait"));
    server.expect_waiting(1);
    std::this_thread::sleep_for(milliseconds(150));  // Five times each limit.
    RawClient(server.port()).ask(get("/wake"));
    EXPECT_TRUE(waiting.receive().ends_with("woken"));
}

TEST(HttpServerLimits, AClientThatDoesNotReadIsGivenUp) {
    EchoServer server({.write_timeout = milliseconds(100)});
    RawClient client(server.port());
    for (int i = 0; i < 10; ++i)
        client.send(get("/big"));  // More than the kernel keeps for it.
    server.expect_open(1);
    server.expect_open(0);
}

TEST(HttpServerLimits, AClientThatReadsSlowlyGetsAll) {
    EchoServer server;
    const std::string answer = RawClient(server.port()).ask(get("/big"));
    EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, 4'000'000U);
}

TEST(HttpServerLimits, TakesNoMoreConnectionsThanItMayAndGoesOnLater) {
    EchoServer server({.connections_max = 2});
    std::optional<RawClient> first(server.port());
    RawClient second(server.port());
    first->ask(get("/ping"));
    second.ask(get("/ping"));
    RawClient third(server.port());
    third.send(get("/ping"));
    EXPECT_EQ(server.http().statistics().connections_accepted, 2U);
    first.reset();
    EXPECT_TRUE(third.receive().ends_with("pong"));
}

// --- Draining ----------------------------------------------------------------------------------

std::future<void> drain(EchoServer& server) {
    auto done = std::make_shared<std::promise<void>>();
    auto future = done->get_future();
    server.http().drain([done] { done->set_value(); });
    return future;
}

TEST(HttpServerDrain, EndsAtOnceWhenNothingIsInProgress) {
    EchoServer server({.drain_timeout = std::chrono::hours(1)});
    RawClient idle(server.port());
    idle.ask(get("/ping"));
    drain(server).get();
    EXPECT_EQ(idle.receive_all(), "");
}

TEST(HttpServerDrain, LetsRequestsInProgressBeAnswered) {
    EchoServer server({.drain_timeout = std::chrono::seconds(10)});
    RawClient idle(server.port());
    RawClient waiting(server.port());
    RawClient waker(server.port());
    idle.ask(get("/ping"));
    waiting.send(get("/wait"));
    server.expect_waiting(1);
    waker.send(
        "POST /wake HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(status_of(waker.receive()), "HTTP/1.1 100");
    auto done = drain(server);
    EXPECT_EQ(idle.receive_all(), "") << "the server has begun to drain";
    waker.send("x");
    const std::string answer = waiting.receive_all().value_or("reset");
    EXPECT_TRUE(answer.ends_with("woken")) << answer;
    EXPECT_NE(answer.find("Connection: close"), std::string::npos);
    EXPECT_TRUE(waker.receive_all().value_or("reset").ends_with("awake"));
    done.get();
}

TEST(HttpServerDrain, AnswersWhoeverStillWaitsAtTheEndWith503) {
    EchoServer server({.drain_timeout = milliseconds(50)});
    RawClient waiting(server.port());
    waiting.send(get("/wait"));
    server.expect_waiting(1);
    auto done = drain(server);
    EXPECT_EQ(status_of(waiting.receive_all().value_or("reset")), "HTTP/1.1 503");
    done.get();
}

}  // namespace
}  // namespace matrix::platform
